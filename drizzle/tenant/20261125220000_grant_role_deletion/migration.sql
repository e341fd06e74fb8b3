-- A role can be removed, with a replacement for whoever has it.
GRANT DELETE ON "roles" TO "{{serve}}";
