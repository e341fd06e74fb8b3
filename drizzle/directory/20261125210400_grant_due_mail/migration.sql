-- Whoever writes mail says so, and whoever sends it takes the hint away: both with the login that reads the directory.
GRANT SELECT, INSERT, UPDATE, DELETE ON "tenantry"."due_mail" TO "{{door}}";
