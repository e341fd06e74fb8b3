CREATE TABLE "tenantry"."product" (
	"kind" text,
	"key" text,
	"content" jsonb NOT NULL,
	"applied_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "product_pkey" PRIMARY KEY("kind","key"),
	CONSTRAINT "product_kind" CHECK ("kind" in ('PERMISSION', 'ROLE'))
);
