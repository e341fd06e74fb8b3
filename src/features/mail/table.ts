import { sql } from "drizzle-orm";
import { bytea, check, index, integer, text, uuid } from "drizzle-orm/pg-core";
import type { MailId } from "../../ids.js";
import { instant, tenantTable } from "../../tenancy/table.js";

/** Mail that is to be sent, written in the transaction that gives rise to it, and sent by another process afterwards. */
export const outbox = tenantTable(
  "outbox",
  {
    id: uuid().$type<MailId>().notNull(),
    /** To whom, and what it says: for the key of the installation alone. Null once it has been sent, or given up. */
    sealed: bytea(),
    createdAt: instant().notNull(),
    /** Not to be tried before; while somebody tries, not by another. */
    dueAt: instant().notNull(),
    attempts: integer().notNull().default(0),
    endedAt: instant(),
    /** What came of it, in words that name nobody. */
    outcome: text(),
  },
  (t) => [
    index("outbox_due").on(t.tenantId, t.dueAt).where(sql`${t.endedAt} is null`),
    check("outbox_sealed", sql`(${t.sealed} is null) = (${t.endedAt} is not null)`),
  ],
);
