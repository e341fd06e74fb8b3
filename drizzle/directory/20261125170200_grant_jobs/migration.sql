-- Who is asked for something writes down what is to be done, and reads how far it is. What becomes of it is the worker's to
-- write. Whether a slug was ever a tenant's is asked before anybody waits for it.
GRANT SELECT ON "tenantry"."jobs", "tenantry"."slugs" TO "{{door}}";
GRANT INSERT ("id", "kind", "tenant_id", "slug", "asked_by", "operator", "slot", "sealed", "asked_at") ON "tenantry"."jobs" TO "{{door}}";
