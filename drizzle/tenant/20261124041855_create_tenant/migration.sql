CREATE TABLE "tenant" (
	"tenant_id" uuid PRIMARY KEY,
	"epoch" integer NOT NULL,
	"status" text NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "tenant_status" CHECK ("status" in ('ACTIVE', 'SUSPENDED', 'FENCED'))
);

ALTER TABLE "tenant" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "audit_events" (
	"tenant_id" uuid,
	"id" uuid,
	"at" timestamp(3) with time zone NOT NULL,
	"action" text NOT NULL,
	"actor_type" text NOT NULL,
	"actor_id" uuid NOT NULL,
	"organization_id" uuid,
	"target_type" text NOT NULL,
	"target_id" uuid NOT NULL,
	"changes" jsonb,
	"request_id" text NOT NULL,
	CONSTRAINT "audit_events_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "audit_events_actor" CHECK ("actor_type" in ('USER'))
);

ALTER TABLE "audit_events" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "grants" (
	"tenant_id" uuid,
	"id" uuid,
	"membership_id" uuid NOT NULL,
	"role_key" text,
	"role_id" uuid,
	"reach" text DEFAULT 'ORGANIZATION' NOT NULL,
	"expires_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "grants_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "grants_one_role" CHECK (num_nonnulls("role_key", "role_id") = 1),
	CONSTRAINT "grants_reach" CHECK ("reach" in ('ORGANIZATION', 'SUBTREE'))
);

ALTER TABLE "grants" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "memberships" (
	"tenant_id" uuid,
	"id" uuid,
	"organization_id" uuid NOT NULL,
	"user_id" uuid NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"expires_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "memberships_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "memberships_status" CHECK ("status" in ('ACTIVE', 'SUSPENDED'))
);

ALTER TABLE "memberships" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "organizations" (
	"tenant_id" uuid,
	"id" uuid,
	"parent_id" uuid,
	"path" uuid[] NOT NULL,
	"slug" text NOT NULL,
	"name" text NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"external_id" text,
	"image_url" text,
	"metadata" jsonb DEFAULT '{}' NOT NULL,
	"member_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "organizations_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "organizations_status" CHECK ("status" in ('ACTIVE', 'SUSPENDED', 'ARCHIVED')),
	CONSTRAINT "organizations_path" CHECK (("parent_id" is null and cardinality("path") = 0) or ("parent_id" is not null and "path"[cardinality("path")] = "parent_id"))
);

ALTER TABLE "organizations" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "slugs" (
	"tenant_id" uuid,
	"slug" text,
	"organization_id" uuid NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "slugs_pkey" PRIMARY KEY("tenant_id","slug")
);

ALTER TABLE "slugs" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "roles" (
	"tenant_id" uuid,
	"id" uuid,
	"organization_id" uuid,
	"key" text NOT NULL,
	"name" text NOT NULL,
	"description" text,
	"permissions" text[] NOT NULL,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "roles_pkey" PRIMARY KEY("tenant_id","id")
);

ALTER TABLE "roles" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "users" (
	"tenant_id" uuid,
	"id" uuid,
	"display_name" text NOT NULL,
	"email" text,
	"email_verified" boolean DEFAULT false NOT NULL,
	"image_url" text,
	"locale" text,
	"external_id" text,
	"metadata" jsonb DEFAULT '{}' NOT NULL,
	"status" text DEFAULT 'ACTIVE' NOT NULL,
	"identity" bytea,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "users_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "users_status" CHECK ("status" in ('ACTIVE', 'SUSPENDED'))
);

ALTER TABLE "users" ENABLE ROW LEVEL SECURITY;
CREATE INDEX "audit_events_by_organization" ON "audit_events" ("tenant_id","organization_id","id");
CREATE UNIQUE INDEX "grants_fixed_role_key" ON "grants" ("tenant_id","membership_id","role_key","reach") WHERE "role_key" is not null;
CREATE UNIQUE INDEX "grants_own_role_key" ON "grants" ("tenant_id","membership_id","role_id","reach") WHERE "role_id" is not null;
CREATE INDEX "grants_by_role" ON "grants" ("tenant_id","role_id") WHERE "role_id" is not null;
CREATE UNIQUE INDEX "memberships_person_key" ON "memberships" ("tenant_id","organization_id","user_id");
CREATE INDEX "memberships_by_organization" ON "memberships" ("tenant_id","organization_id","id");
CREATE INDEX "memberships_by_user" ON "memberships" ("tenant_id","user_id","id");
CREATE UNIQUE INDEX "organizations_root_key" ON "organizations" ("tenant_id") WHERE "parent_id" is null;
CREATE UNIQUE INDEX "organizations_slug_key" ON "organizations" ("tenant_id","slug");
CREATE INDEX "organizations_by_name" ON "organizations" ("tenant_id","name" collate "C","id");
CREATE INDEX "organizations_by_parent" ON "organizations" ("tenant_id","parent_id");
CREATE INDEX "organizations_by_external_id" ON "organizations" ("tenant_id","external_id") WHERE "external_id" is not null;
CREATE INDEX "organizations_not_active" ON "organizations" ("tenant_id","status") WHERE "status" <> 'ACTIVE';
CREATE INDEX "slugs_by_organization" ON "slugs" ("tenant_id","organization_id");
CREATE UNIQUE INDEX "roles_organization_key" ON "roles" ("tenant_id","organization_id","key") WHERE "organization_id" is not null;
CREATE UNIQUE INDEX "roles_tenant_key" ON "roles" ("tenant_id","key") WHERE "organization_id" is null;
CREATE UNIQUE INDEX "users_identity_key" ON "users" ("tenant_id","identity");
CREATE INDEX "users_by_email" ON "users" ("tenant_id","email");
ALTER TABLE "grants" ADD CONSTRAINT "grants_membership_fkey" FOREIGN KEY ("tenant_id","membership_id") REFERENCES "memberships"("tenant_id","id");
ALTER TABLE "grants" ADD CONSTRAINT "grants_role_fkey" FOREIGN KEY ("tenant_id","role_id") REFERENCES "roles"("tenant_id","id");
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
ALTER TABLE "memberships" ADD CONSTRAINT "memberships_user_fkey" FOREIGN KEY ("tenant_id","user_id") REFERENCES "users"("tenant_id","id");
ALTER TABLE "organizations" ADD CONSTRAINT "organizations_parent_fkey" FOREIGN KEY ("tenant_id","parent_id") REFERENCES "organizations"("tenant_id","id");
ALTER TABLE "slugs" ADD CONSTRAINT "slugs_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
ALTER TABLE "roles" ADD CONSTRAINT "roles_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
CREATE POLICY "tenant_of_this_tenant" ON "tenant" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "audit_events_of_this_tenant" ON "audit_events" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "grants_of_this_tenant" ON "grants" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "memberships_of_this_tenant" ON "memberships" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "organizations_of_this_tenant" ON "organizations" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "slugs_of_this_tenant" ON "slugs" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "roles_of_this_tenant" ON "roles" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "users_of_this_tenant" ON "users" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);