import { definePolicy, fromSource, may, visible } from "../../graphql/policy.js";

export const policy = definePolicy({
  // An event is visible where the viewer may read the audit of its organization.
  AuditEvent: visible(
    "id",
    "at",
    "action",
    "actor",
    "organization",
    "target",
    "targetId",
    "changes",
    "requestId",
    "address",
  ),
  Organization: { auditEvents: may("audit:read").in(fromSource) },
});
