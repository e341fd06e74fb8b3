-- What the serving login may do in a tenant's home, and no more. "{{schema}}" is the home, "{{serve}}" the login that
-- DATABASE_URL names; the runner puts them here. What happened stays as it was written: no UPDATE or DELETE of audit events.
GRANT USAGE ON SCHEMA "{{schema}}" TO "{{serve}}";
GRANT SELECT ON "tenant", "organizations", "slugs", "users", "roles", "memberships", "grants", "audit_events" TO "{{serve}}";
GRANT INSERT ON "organizations", "slugs", "audit_events" TO "{{serve}}";
