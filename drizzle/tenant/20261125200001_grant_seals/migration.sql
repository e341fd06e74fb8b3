-- What sealing needs of the serving login, and no more. Seals stay as they were written, like the events in them; an event
-- leaves the list of those that wait for one, and what the audit says of a person is deleted when the person is erased.
GRANT SELECT, INSERT ON "audit_seals" TO "{{serve}}";
GRANT SELECT, INSERT, DELETE ON "audit_unsealed", "audit_values" TO "{{serve}}";
