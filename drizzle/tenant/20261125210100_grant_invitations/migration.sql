-- What inviting, accepting and mail need of the serving login, and no more: nothing of it is deleted but with the organization.
GRANT SELECT ON "invitations", "offered_grants", "outbox" TO "{{serve}}";
GRANT INSERT ON "invitations", "offered_grants", "outbox" TO "{{serve}}";
GRANT UPDATE ON "invitations", "outbox" TO "{{serve}}";
