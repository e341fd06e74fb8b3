CREATE SCHEMA "tenantry";

CREATE TABLE "tenantry"."identities" (
	"digest" bytea,
	"tenant_id" uuid,
	CONSTRAINT "identities_pkey" PRIMARY KEY("digest","tenant_id")
);

CREATE TABLE "tenantry"."tenants" (
	"id" uuid PRIMARY KEY,
	"slug" text NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"isolation" text DEFAULT 'SCHEMA' NOT NULL,
	"schema_name" text NOT NULL,
	"epoch" integer DEFAULT 1 NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "tenants_status" CHECK ("status" in ('ACTIVE', 'SUSPENDED')),
	CONSTRAINT "tenants_isolation" CHECK ("isolation" in ('SHARED', 'SCHEMA', 'DATABASE')),
	CONSTRAINT "tenants_schema_name" CHECK ("schema_name" ~ '^t_[0-9a-f]{32}$')
);

CREATE UNIQUE INDEX "tenants_slug_key" ON "tenantry"."tenants" ("slug");
ALTER TABLE "tenantry"."identities" ADD CONSTRAINT "identities_tenant_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenantry"."tenants"("id") ON DELETE CASCADE;