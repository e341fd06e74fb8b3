DROP INDEX "audit_events_by_organization";
CREATE INDEX "audit_events_by_organization" ON "audit_events" ("tenant_id","organization_id","at","id");
CREATE INDEX "memberships_by_creation" ON "memberships" ("tenant_id","organization_id","created_at","id");
CREATE INDEX "organizations_by_creation" ON "organizations" ("tenant_id","created_at","id");
CREATE INDEX "users_by_external_id" ON "users" ("tenant_id","external_id") WHERE "external_id" is not null;
CREATE INDEX "users_by_name" ON "users" ("tenant_id","display_name" collate "C","id");