ALTER TABLE "tenantry"."homes" ADD COLUMN "version" text;
ALTER TABLE "tenantry"."homes" ADD COLUMN "lineage" text;
ALTER TABLE "tenantry"."homes" ADD COLUMN "problem" text;