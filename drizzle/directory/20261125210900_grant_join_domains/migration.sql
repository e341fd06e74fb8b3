-- Whoever proves a domain says so, and whoever joins by it looks where. It is a hint alone: the tenant's home decides.
GRANT SELECT, INSERT ON "tenantry"."join_domains" TO "{{door}}";
