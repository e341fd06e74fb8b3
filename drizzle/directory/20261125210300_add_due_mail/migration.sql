CREATE TABLE "tenantry"."due_mail" (
	"tenant_id" uuid PRIMARY KEY,
	"due_at" timestamp(3) with time zone NOT NULL
);

CREATE INDEX "due_mail_in_order" ON "tenantry"."due_mail" ("due_at");
ALTER TABLE "tenantry"."due_mail" ADD CONSTRAINT "due_mail_tenant_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenantry"."tenants"("id") ON DELETE CASCADE;