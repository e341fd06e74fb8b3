-- What joining by an address needs of the serving login, and no more. A claim to a domain is given up by taking it away.
GRANT SELECT ON "organization_domains", "join_policies", "join_requests" TO "{{serve}}";
GRANT INSERT ON "organization_domains", "join_policies", "join_requests" TO "{{serve}}";
GRANT UPDATE ON "organization_domains", "join_policies", "join_requests" TO "{{serve}}";
GRANT DELETE ON "organization_domains" TO "{{serve}}";
