-- What joining by an address needs of the serving login, and no more. A claim to a domain is given up by taking it away.
GRANT SELECT, INSERT, UPDATE, DELETE ON "organization_domains" TO "{{serve}}";
GRANT SELECT, INSERT, UPDATE ON "join_policies", "join_requests" TO "{{serve}}";
