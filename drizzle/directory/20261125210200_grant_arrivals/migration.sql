-- Whoever accepts an invitation may knock from then on. It is a hint alone: whether they are let in, the tenant's home decides.
GRANT INSERT ON "tenantry"."identities" TO "{{door}}";
