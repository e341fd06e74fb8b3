-- What sealing needs of the serving login, and no more. Seals stay as they were written, like the events in them; an event
-- leaves the list of those that wait for one, and what the audit says of a person is deleted when the person is erased.
GRANT SELECT ON "audit_seals", "audit_unsealed", "audit_values" TO "{{serve}}";
GRANT INSERT ON "audit_seals", "audit_unsealed", "audit_values" TO "{{serve}}";
GRANT DELETE ON "audit_unsealed", "audit_values" TO "{{serve}}";
