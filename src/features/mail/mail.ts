import type { Context } from "../../graphql/context.js";
import { scopeOf } from "../../graphql/context.js";
import { type MailId, newId, type TenantId } from "../../ids.js";
import { outbox } from "./table.js";

/** What is to be said to somebody; how it looks is decided when it is sent. */
export interface InvitationMail {
  readonly kind: "INVITATION";
  /** Normalised. */
  readonly to: string;
  readonly organization: string;
  /** Who invites, as people call them. */
  readonly from: string;
  /** The one place where it stands as it is, sealed, until it has been sent. */
  readonly token: string;
  readonly expiresAt: string;
}

export type Mail = InvitationMail;

/** What the seal of a mail is bound to: its row, in its tenant. */
export const boundTo = (tenantId: TenantId, id: MailId): string => JSON.stringify(["mail", tenantId, id]);

/** Puts mail into the outbox, in one statement. It leaves when, and only if, the transaction commits. */
export async function queueMail(ctx: Context, mails: readonly Mail[]): Promise<void> {
  if (mails.length === 0) return;
  const { session, now } = scopeOf(ctx);
  const { tenantId } = session;
  const rows = mails.map((mail) => {
    const id = newId<MailId>();
    const sealed = ctx.mail.seal.close(boundTo(tenantId, id), JSON.stringify(mail));
    return { tenantId, id, sealed, createdAt: now, dueAt: now };
  });
  await session.db.insert(outbox).values(rows);
  ctx.operation.afterCommit(() => ctx.mail.announce(tenantId));
}
