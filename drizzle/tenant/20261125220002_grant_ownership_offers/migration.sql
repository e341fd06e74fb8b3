GRANT SELECT ON "ownership_offers" TO "{{serve}}";
GRANT INSERT ON "ownership_offers" TO "{{serve}}";
GRANT DELETE ON "ownership_offers" TO "{{serve}}";
