CREATE TABLE "tenantry"."slugs" (
	"slug" text PRIMARY KEY,
	"tenant_id" uuid NOT NULL
);

CREATE INDEX "slugs_by_tenant" ON "tenantry"."slugs" ("tenant_id");
ALTER TABLE "tenantry"."slugs" ADD CONSTRAINT "slugs_tenant_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenantry"."tenants"("id") ON DELETE CASCADE;
INSERT INTO "tenantry"."slugs" ("slug", "tenant_id") SELECT "slug", "id" FROM "tenantry"."tenants";
