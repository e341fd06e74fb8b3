CREATE TABLE "join_policies" (
	"tenant_id" uuid,
	"organization_id" uuid,
	"mode" text NOT NULL,
	"grants" jsonb DEFAULT '[]' NOT NULL,
	"set_by" uuid NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "join_policies_pkey" PRIMARY KEY("tenant_id","organization_id"),
	CONSTRAINT "join_policies_mode" CHECK ("mode" in ('OFF', 'ASK', 'AUTOMATIC'))
);

ALTER TABLE "join_policies" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "join_requests" (
	"tenant_id" uuid,
	"id" uuid,
	"organization_id" uuid NOT NULL,
	"email" text NOT NULL,
	"display_name" text NOT NULL,
	"identity" bytea NOT NULL,
	"status" text DEFAULT 'OPEN' NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "join_requests_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "join_requests_status" CHECK ("status" in ('OPEN', 'APPROVED', 'REFUSED'))
);

ALTER TABLE "join_requests" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "organization_domains" (
	"tenant_id" uuid,
	"id" uuid,
	"organization_id" uuid NOT NULL,
	"domain" text NOT NULL,
	"proof" text NOT NULL,
	"proven_at" timestamp(3) with time zone,
	"checked_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "organization_domains_pkey" PRIMARY KEY("tenant_id","id")
);

ALTER TABLE "organization_domains" ENABLE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX "join_requests_open_key" ON "join_requests" ("tenant_id","organization_id","identity") WHERE "status" = 'OPEN';
CREATE INDEX "join_requests_by_organization" ON "join_requests" ("tenant_id","organization_id","created_at","id");
CREATE UNIQUE INDEX "organization_domains_claim_key" ON "organization_domains" ("tenant_id","organization_id","domain");
CREATE UNIQUE INDEX "organization_domains_proven_key" ON "organization_domains" ("tenant_id","domain") WHERE "proven_at" is not null;
ALTER TABLE "join_policies" ADD CONSTRAINT "join_policies_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
ALTER TABLE "join_policies" ADD CONSTRAINT "join_policies_maker_fkey" FOREIGN KEY ("tenant_id","set_by") REFERENCES "users"("tenant_id","id");
ALTER TABLE "join_requests" ADD CONSTRAINT "join_requests_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
ALTER TABLE "organization_domains" ADD CONSTRAINT "organization_domains_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
CREATE POLICY "join_policies_of_this_tenant" ON "join_policies" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "join_requests_of_this_tenant" ON "join_requests" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "organization_domains_of_this_tenant" ON "organization_domains" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);