CREATE TABLE "tenantry"."audit_witnesses" (
	"tenant_id" uuid PRIMARY KEY,
	"number" integer NOT NULL,
	"mac" bytea NOT NULL,
	"witnessed_at" timestamp(3) with time zone NOT NULL
);

ALTER TABLE "tenantry"."audit_witnesses" ADD CONSTRAINT "audit_witnesses_tenant_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenantry"."tenants"("id") ON DELETE CASCADE;