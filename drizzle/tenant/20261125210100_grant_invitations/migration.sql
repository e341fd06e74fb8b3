-- What inviting, accepting and writing mail need of the serving login, and no more: nothing of it is deleted but with the
-- organization, and what becomes of mail is for another login to write.
GRANT SELECT, INSERT, UPDATE ON "invitations" TO "{{serve}}";
GRANT SELECT, INSERT ON "offered_grants" TO "{{serve}}";
GRANT SELECT, INSERT ON "outbox" TO "{{serve}}";
