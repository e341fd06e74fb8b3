-- An operator adds that a job is cancelled, and nobody takes that back. The job's own row stays the worker's to change.
GRANT SELECT, INSERT ON "tenantry"."job_cancellations" TO "{{door}}";
