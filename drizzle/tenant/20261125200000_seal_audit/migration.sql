CREATE TABLE "audit_seals" (
	"tenant_id" uuid,
	"number" integer,
	"sealed_at" timestamp(3) with time zone NOT NULL,
	"events" uuid[] NOT NULL,
	"digests" bytea[] NOT NULL,
	"key_mark" text NOT NULL,
	"mac" bytea NOT NULL,
	"checkpoint" bytea,
	CONSTRAINT "audit_seals_pkey" PRIMARY KEY("tenant_id","number"),
	CONSTRAINT "audit_seals_digests" CHECK (cardinality("events") = cardinality("digests"))
);

ALTER TABLE "audit_seals" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "audit_unsealed" (
	"tenant_id" uuid,
	"event_id" uuid,
	CONSTRAINT "audit_unsealed_pkey" PRIMARY KEY("tenant_id","event_id")
);

ALTER TABLE "audit_unsealed" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "audit_values" (
	"tenant_id" uuid,
	"commitment" bytea,
	"subject_id" uuid NOT NULL,
	"salt" bytea NOT NULL,
	"value" text NOT NULL,
	CONSTRAINT "audit_values_pkey" PRIMARY KEY("tenant_id","commitment")
);

ALTER TABLE "audit_values" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "audit_events" ADD COLUMN "path" uuid[];
ALTER TABLE "audit_events" ADD COLUMN "commitment" bytea;
CREATE INDEX "audit_events_not_taken_in" ON "audit_events" ("tenant_id") WHERE "path" is null;
CREATE INDEX "audit_values_by_subject" ON "audit_values" ("tenant_id","subject_id");
CREATE POLICY "audit_seals_of_this_tenant" ON "audit_seals" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "audit_unsealed_of_this_tenant" ON "audit_unsealed" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "audit_values_of_this_tenant" ON "audit_values" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);