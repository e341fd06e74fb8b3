GRANT SELECT, INSERT, DELETE ON "ownership_offers" TO "{{serve}}";
