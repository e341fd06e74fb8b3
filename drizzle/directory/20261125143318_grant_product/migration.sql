-- A gateway compares the product's file with what was applied before it serves anybody, through the door.
GRANT SELECT ON "tenantry"."product" TO "{{door}}";
