-- A gateway compares its key with the installation's before it serves anybody, through the door. It notes none.
GRANT SELECT ON "tenantry"."installation" TO "{{door}}";
