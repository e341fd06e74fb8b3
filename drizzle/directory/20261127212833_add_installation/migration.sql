CREATE TABLE "tenantry"."installation" (
	"is_only" boolean PRIMARY KEY DEFAULT true,
	"key_mark" text NOT NULL,
	CONSTRAINT "installation_only" CHECK ("is_only")
);
