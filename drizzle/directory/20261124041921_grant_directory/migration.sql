-- What the door may do, and no more: find where a tenant lives, and who may knock. "{{door}}" is the login that
-- DATABASE_DOOR_URL names; the runner puts it here.
GRANT USAGE ON SCHEMA "tenantry" TO "{{door}}";
GRANT SELECT ON "tenantry"."tenants", "tenantry"."identities" TO "{{door}}";
