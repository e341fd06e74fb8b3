import { and, eq, ne, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { texts } from "../../tenancy/arrays.js";
import { auditValues } from "../audit/table.js";
import { type UserRow, users } from "../users/table.js";

/** Somebody as they were before they were erased. */
export interface Somebody extends UserRow {
  /** Their address, and those that were theirs before and are nobody else's now. */
  readonly emails: readonly string[];
}

/** What a feature keeps of people beside their memberships, in rows that have their address or their account. */
interface Kept {
  /** What it is called among all that is held about somebody. */
  readonly name: string;
  readonly take: (ctx: Context, person: Somebody) => Promise<readonly object[]>;
  /** Forgets it for good, of somebody as they were before they were erased. */
  readonly forget: (ctx: Context, person: Somebody) => Promise<void>;
}

const all: Kept[] = [];

/** Has it taken out with everybody who is exported, and forgotten with everybody who is erased, in the same transaction. */
export function keeps(kept: Kept): void {
  all.push(kept);
}

/** By name; empty lists where nothing is kept. */
export async function takeKept(ctx: Context, row: UserRow): Promise<Record<string, readonly object[]>> {
  const person = await somebody(ctx, row);
  const taken: Record<string, readonly object[]> = {};
  for (const { name, take } of all) taken[name] = await take(ctx, person);
  return taken;
}

/** To be called before what the audit says of them is forgotten, for that alone knows their former addresses. */
export async function forgetKept(ctx: Context, row: UserRow): Promise<void> {
  const person = await somebody(ctx, row);
  for (const { forget } of all) await forget(ctx, person);
}

async function somebody(ctx: Context, row: UserRow): Promise<Somebody> {
  const { db, tenantId } = scopeOf(ctx).session;
  const said = sql`${auditValues.value}::jsonb`;
  const former = await db
    .selectDistinct({ email: sql<string | null>`said.email` })
    .from(auditValues)
    .innerJoin(
      sql`lateral (values (${said} #>> '{before,email}'), (${said} #>> '{after,email}')) said(email)`,
      sql`true`,
    )
    .where(and(eq(auditValues.tenantId, tenantId), eq(auditValues.subjectId, row.id)));
  const all = former.flatMap(({ email }) => email ?? []);
  const others = await db
    .select({ email: users.email })
    .from(users)
    .where(and(eq(users.tenantId, tenantId), ne(users.id, row.id), sql`${users.email} = any(${texts(all)})`));
  const theirs = all.filter((email) => !others.some((other) => other.email === email));
  return { ...row, emails: [...new Set([...theirs, ...(row.email === null ? [] : [row.email])])] };
}
