CREATE TABLE "tenantry"."moves" (
	"id" uuid PRIMARY KEY,
	"tenant_id" uuid NOT NULL,
	"from_database" text NOT NULL,
	"from_schema" text NOT NULL,
	"from_isolation" text NOT NULL,
	"to_database" text NOT NULL,
	"to_schema" text NOT NULL,
	"to_isolation" text NOT NULL,
	"status" text NOT NULL,
	"epoch" integer NOT NULL,
	"step" text NOT NULL,
	"keep_seconds" integer NOT NULL,
	"kept_until" timestamp(3) with time zone,
	"started_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "moves_step" CHECK ("step" in ('COPYING', 'FENCING', 'SWITCHED', 'LEFT')),
	CONSTRAINT "moves_status" CHECK ("status" in ('ACTIVE', 'SUSPENDED')),
	CONSTRAINT "moves_kept" CHECK ("kept_until" is not null or "step" in ('COPYING', 'FENCING'))
);

CREATE UNIQUE INDEX "moves_under_way_key" ON "tenantry"."moves" ("tenant_id") WHERE "step" <> 'LEFT';
ALTER TABLE "tenantry"."moves" ADD CONSTRAINT "moves_tenant_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenantry"."tenants"("id");