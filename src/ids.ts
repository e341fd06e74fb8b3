import { randomBytes } from "node:crypto";

/** An identifier that belongs to one kind of thing; the compiler keeps the kinds apart. */
export type Id<Kind extends string> = string & { readonly __kind: Kind };

export type TenantId = Id<"Tenant">;
export type OrganizationId = Id<"Organization">;
export type UserId = Id<"User">;
export type MembershipId = Id<"Membership">;
export type GrantId = Id<"Grant">;
export type RoleId = Id<"Role">;
export type OwnershipOfferId = Id<"OwnershipOffer">;
export type InvitationId = Id<"Invitation">;
export type OfferedGrantId = Id<"OfferedGrant">;
export type JoinRequestId = Id<"JoinRequest">;
export type OrganizationDomainId = Id<"OrganizationDomain">;
export type MailId = Id<"Mail">;
export type AuditEventId = Id<"AuditEvent">;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether `text` is a uuid in its one canonical spelling: lower case, with hyphens. */
export const isUuid = (text: string): boolean => UUID.test(text);

let lastMs = 0;
let within = 0;

/**
 * A new identifier: uuid version 7 (RFC 9562, 5.7), greater than every one this process made before, whatever the
 * clock does: what happened in one change is listed in the order it happened, and rows made together lie together in
 * their index. The order within a millisecond is a counter of 12 bits (6.2, method 1), which begins in its lower half
 * and borrows from the milliseconds to come where it runs over.
 * Random enough to be unguessable (62 bits), but never a secret: it tells when it was made, to the millisecond.
 */
export function newId<T extends Id<string>>(now: number = Date.now()): T {
  const bytes = randomBytes(16);
  if (now > lastMs) [lastMs, within] = [now, bytes.readUInt16BE(6) & 0x7ff];
  else if (++within > 0xfff) [lastMs, within] = [lastMs + 1, 0];
  bytes.writeUIntBE(lastMs, 0, 6);
  bytes.writeUInt16BE(0x7000 | within, 6);
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return format(bytes) as T;
}

/** The text form of sixteen bytes. */
export function format(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
