-- The process that seals the audit of a tenant notes here how far it came. It can take nothing away.
GRANT SELECT, INSERT, UPDATE ON "tenantry"."audit_witnesses" TO "{{door}}";
