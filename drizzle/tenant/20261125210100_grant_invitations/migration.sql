-- What inviting, accepting and writing mail need of the serving login, and no more: nothing of it is deleted but with the
-- organization.
GRANT SELECT, INSERT, UPDATE ON "invitations" TO "{{serve}}";
GRANT SELECT, INSERT ON "offered_grants" TO "{{serve}}";
GRANT SELECT, INSERT, UPDATE ON "outbox" TO "{{serve}}";
