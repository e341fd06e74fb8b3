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

/**
 * A new identifier: uuid version 7 (RFC 9562, 5.7), so that rows made together lie together in their index.
 * Random enough to be unguessable (74 bits), but never a secret: it tells when it was made, to the millisecond.
 */
export function newId<T extends Id<string>>(at: number = Date.now()): T {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(at, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return format(bytes) as T;
}

/** The text form of sixteen bytes. */
export function format(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
