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
-- Events that are there stand where their organization stands today: nothing has moved before this version.
UPDATE "audit_events" e SET "organization_id" = r."id" FROM "organizations" r
  WHERE e."organization_id" IS NULL AND r."tenant_id" = e."tenant_id" AND r."parent_id" IS NULL;
UPDATE "audit_events" e SET "path" = coalesce((
  SELECT o."path" FROM "organizations" o WHERE o."tenant_id" = e."tenant_id" AND o."id" = e."organization_id"), '{}');
-- What they say of people goes where it can be erased.
WITH personal AS MATERIALIZED (
  SELECT "tenant_id", "id", "target_id", uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS "salt", "changes"::text AS "value"
  FROM "audit_events" WHERE "target_type" = 'User' AND "changes" IS NOT NULL
), kept AS (
  INSERT INTO "audit_values" ("tenant_id", "commitment", "subject_id", "salt", "value")
  SELECT "tenant_id", sha256("salt" || convert_to("value", 'UTF8')), "target_id", "salt", "value" FROM personal
)
UPDATE "audit_events" e SET "commitment" = sha256(p."salt" || convert_to(p."value", 'UTF8')),
  "changes" = jsonb_build_object('personal', (SELECT coalesce(jsonb_agg(k ORDER BY k), '[]')
    FROM jsonb_object_keys(coalesce(e."changes" -> 'before', '{}') || coalesce(e."changes" -> 'after', '{}')) k))
  FROM personal p WHERE e."tenant_id" = p."tenant_id" AND e."id" = p."id";
INSERT INTO "audit_unsealed" ("tenant_id", "event_id") SELECT "tenant_id", "id" FROM "audit_events";
ALTER TABLE "audit_events" ALTER COLUMN "organization_id" SET NOT NULL;
ALTER TABLE "audit_events" ALTER COLUMN "path" SET NOT NULL;
CREATE INDEX "audit_values_by_subject" ON "audit_values" ("tenant_id","subject_id");
CREATE POLICY "audit_seals_of_this_tenant" ON "audit_seals" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "audit_unsealed_of_this_tenant" ON "audit_unsealed" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "audit_values_of_this_tenant" ON "audit_values" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);