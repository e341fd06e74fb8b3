CREATE TABLE "tenantry"."join_domains" (
	"digest" bytea,
	"tenant_id" uuid,
	CONSTRAINT "join_domains_pkey" PRIMARY KEY("digest","tenant_id")
);

ALTER TABLE "tenantry"."join_domains" ADD CONSTRAINT "join_domains_owner" FOREIGN KEY ("tenant_id") REFERENCES "tenantry"."tenants"("id") ON DELETE CASCADE;