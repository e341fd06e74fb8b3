CREATE TABLE "invitations" (
	"tenant_id" uuid,
	"id" uuid,
	"organization_id" uuid NOT NULL,
	"email" text NOT NULL,
	"inviter_id" uuid NOT NULL,
	"status" text DEFAULT 'OPEN' NOT NULL,
	"token_hash" bytea NOT NULL,
	"expires_at" timestamp(3) with time zone NOT NULL,
	"membership_expires_at" timestamp(3) with time zone,
	"created_at" timestamp(3) with time zone NOT NULL,
	"updated_at" timestamp(3) with time zone NOT NULL,
	CONSTRAINT "invitations_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "invitations_status" CHECK ("status" in ('OPEN', 'ACCEPTED', 'DECLINED', 'WITHDRAWN'))
);

ALTER TABLE "invitations" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "offered_grants" (
	"tenant_id" uuid,
	"id" uuid,
	"invitation_id" uuid NOT NULL,
	"role_key" text,
	"role_id" uuid,
	"reach" text DEFAULT 'ORGANIZATION' NOT NULL,
	"expires_at" timestamp(3) with time zone,
	CONSTRAINT "offered_grants_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "offered_grants_one_role" CHECK (num_nonnulls("role_key", "role_id") = 1),
	CONSTRAINT "offered_grants_reach" CHECK ("reach" in ('ORGANIZATION', 'SUBTREE'))
);

ALTER TABLE "offered_grants" ENABLE ROW LEVEL SECURITY;
CREATE TABLE "outbox" (
	"tenant_id" uuid,
	"id" uuid,
	"sealed" bytea,
	"created_at" timestamp(3) with time zone NOT NULL,
	"due_at" timestamp(3) with time zone NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"ended_at" timestamp(3) with time zone,
	"outcome" text,
	CONSTRAINT "outbox_pkey" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "outbox_sealed" CHECK (("sealed" is null) = ("ended_at" is not null))
);

ALTER TABLE "outbox" ENABLE ROW LEVEL SECURITY;
CREATE UNIQUE INDEX "invitations_open_key" ON "invitations" ("tenant_id","organization_id","email") WHERE "status" = 'OPEN';
CREATE UNIQUE INDEX "invitations_token_key" ON "invitations" ("tenant_id","token_hash");
CREATE INDEX "invitations_by_organization" ON "invitations" ("tenant_id","organization_id","created_at","id");
CREATE INDEX "offered_grants_by_invitation" ON "offered_grants" ("tenant_id","invitation_id");
CREATE INDEX "offered_grants_by_role" ON "offered_grants" ("tenant_id","role_id") WHERE "role_id" is not null;
CREATE INDEX "outbox_due" ON "outbox" ("tenant_id","due_at") WHERE "ended_at" is null;
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_organization_fkey" FOREIGN KEY ("tenant_id","organization_id") REFERENCES "organizations"("tenant_id","id");
ALTER TABLE "invitations" ADD CONSTRAINT "invitations_inviter_fkey" FOREIGN KEY ("tenant_id","inviter_id") REFERENCES "users"("tenant_id","id");
ALTER TABLE "offered_grants" ADD CONSTRAINT "offered_grants_invitation_fkey" FOREIGN KEY ("tenant_id","invitation_id") REFERENCES "invitations"("tenant_id","id");
ALTER TABLE "offered_grants" ADD CONSTRAINT "offered_grants_role_fkey" FOREIGN KEY ("tenant_id","role_id") REFERENCES "roles"("tenant_id","id");
CREATE POLICY "invitations_of_this_tenant" ON "invitations" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "offered_grants_of_this_tenant" ON "offered_grants" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);
CREATE POLICY "outbox_of_this_tenant" ON "outbox" AS PERMISSIVE FOR ALL TO public USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);