CREATE TABLE "tenantry"."job_cancellations" (
	"job_id" uuid,
	"sealed" bytea,
	"asked_by" bytea NOT NULL,
	"operator" text NOT NULL,
	"asked_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "job_cancellations_pkey" PRIMARY KEY("job_id","sealed")
);

ALTER TABLE "tenantry"."job_cancellations" ADD CONSTRAINT "job_cancellations_job_fkey" FOREIGN KEY ("job_id") REFERENCES "tenantry"."jobs"("id") ON DELETE CASCADE;