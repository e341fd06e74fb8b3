CREATE TABLE "ownership_offers" (
	"tenant_id" uuid,
	"id" uuid,
	"from_user_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "ownership_offers_pkey" PRIMARY KEY("tenant_id","id")
);

ALTER TABLE "ownership_offers" ENABLE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX "ownership_offers_from_key" ON "ownership_offers" ("tenant_id","from_user_id");
ALTER TABLE "ownership_offers" ADD CONSTRAINT "ownership_offers_from_fkey" FOREIGN KEY ("tenant_id","from_user_id") REFERENCES "users"("tenant_id","id");
ALTER TABLE "ownership_offers" ADD CONSTRAINT "ownership_offers_user_fkey" FOREIGN KEY ("tenant_id","user_id") REFERENCES "users"("tenant_id","id");
CREATE POLICY "ownership_offers_of_this_tenant" ON "ownership_offers" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);