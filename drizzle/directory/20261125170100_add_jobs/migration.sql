CREATE TABLE "tenantry"."jobs" (
	"id" uuid PRIMARY KEY,
	"kind" text NOT NULL,
	"tenant_id" uuid,
	"slug" text NOT NULL,
	"asked_by" bytea NOT NULL,
	"operator" text,
	"slot" smallint,
	"sealed" bytea,
	"asked_at" timestamp(3) with time zone NOT NULL,
	"state" text DEFAULT 'QUEUED' NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"phase" text,
	"done" integer,
	"total" integer,
	"outcome" text,
	"started_at" timestamp(3) with time zone,
	"ended_at" timestamp(3) with time zone,
	CONSTRAINT "jobs_kind" CHECK ("kind" in ('CREATE', 'RENAME', 'SUSPEND', 'RESUME', 'MOVE', 'ERASE', 'SIGN_UP')),
	CONSTRAINT "jobs_state" CHECK ("state" in ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
	CONSTRAINT "jobs_ended" CHECK (("state" in ('DONE', 'FAILED')) = ("ended_at" is not null)),
	CONSTRAINT "jobs_sealed" CHECK (("sealed" is null) = ("ended_at" is not null)),
	CONSTRAINT "jobs_slot" CHECK (("kind" = 'SIGN_UP') = ("slot" is not null) and "slot" between 1 and 3),
	CONSTRAINT "jobs_operator" CHECK (("kind" = 'SIGN_UP') = ("operator" is null))
);

CREATE UNIQUE INDEX "jobs_open_key" ON "tenantry"."jobs" ("slug") WHERE "ended_at" is null;
CREATE UNIQUE INDEX "jobs_sign_up_key" ON "tenantry"."jobs" ("asked_by","slot") WHERE "slot" is not null and "state" <> 'FAILED';
CREATE INDEX "jobs_by_tenant" ON "tenantry"."jobs" ("tenant_id");