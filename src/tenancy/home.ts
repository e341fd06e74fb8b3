import { sql } from "drizzle-orm";
import { check, integer, text } from "drizzle-orm/pg-core";
import { instant, tenantTable } from "./table.js";

/**
 * The tenant's own row in its home. It, not the directory, says whether this is the tenant's home and whether it is open:
 * every session reads it together with the viewer's access.
 */
export const home = tenantTable(
  "tenant",
  {
    /** Raised whenever the directory's record changes; a gateway that remembers an older one is refused. */
    epoch: integer().notNull(),
    status: text().$type<"ACTIVE" | "SUSPENDED" | "FENCED">().notNull(),
    createdAt: instant().notNull(),
  },
  (t) => [check("tenant_status", sql`${t.status} in ('ACTIVE', 'SUSPENDED', 'FENCED')`)],
  null,
);
