ALTER TABLE "slugs" DROP CONSTRAINT "slugs_organization_fkey";
ALTER TABLE "organizations" ADD COLUMN "deletes_at" timestamp(3) with time zone;