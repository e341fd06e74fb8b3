CREATE TABLE "tenantry"."homes" (
	"database" text,
	"schema_name" text,
	"isolation" text NOT NULL,
	"status" text NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "homes_pkey" PRIMARY KEY("database","schema_name"),
	CONSTRAINT "homes_isolation" CHECK ("isolation" in ('SHARED', 'SCHEMA', 'DATABASE')),
	CONSTRAINT "homes_status" CHECK ("status" in ('READY', 'IN_USE', 'LEFT')),
	CONSTRAINT "homes_schema_name" CHECK ("schema_name" ~ '^t_[0-9a-f]{32}$')
);

ALTER TABLE "tenantry"."tenants" ADD COLUMN "database" text DEFAULT 'main' NOT NULL;
CREATE UNIQUE INDEX "homes_isolation_key" ON "tenantry"."homes" ("database","schema_name","isolation");
CREATE UNIQUE INDEX "homes_shared_key" ON "tenantry"."homes" ("database") WHERE "isolation" = 'SHARED';
CREATE UNIQUE INDEX "homes_database_key" ON "tenantry"."homes" ("database") WHERE "isolation" = 'DATABASE';
CREATE UNIQUE INDEX "tenants_home_key" ON "tenantry"."tenants" ("database","schema_name") WHERE "isolation" <> 'SHARED';
-- Until now every tenant was in a schema of its own, in the directory's database.
INSERT INTO "tenantry"."homes" ("database", "schema_name", "isolation", "status", "created_at")
SELECT "database", "schema_name", "isolation", 'IN_USE', "created_at" FROM "tenantry"."tenants";
ALTER TABLE "tenantry"."tenants" ADD CONSTRAINT "tenants_home_fkey" FOREIGN KEY ("database","schema_name","isolation") REFERENCES "tenantry"."homes"("database","schema_name","isolation");
ALTER TABLE "tenantry"."tenants" DROP CONSTRAINT "tenants_status", ADD CONSTRAINT "tenants_status" CHECK ("status" in ('CREATING', 'ACTIVE', 'SUSPENDED', 'ERASING'));