-- What changes of people, roles and rights need of the serving login, and no more: memberships and grants alone are ever
-- deleted, when somebody is removed or a right withdrawn.
GRANT INSERT ON "users", "roles", "memberships", "grants" TO "{{serve}}";
GRANT UPDATE ON "organizations", "users", "roles", "memberships", "grants" TO "{{serve}}";
GRANT DELETE ON "memberships", "grants" TO "{{serve}}";
