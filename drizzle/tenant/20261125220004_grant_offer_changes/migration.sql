-- With a role that is removed goes what closed invitations offered of it; open ones offer its replacement.
GRANT UPDATE ON "offered_grants" TO "{{serve}}";
GRANT DELETE ON "offered_grants" TO "{{serve}}";
