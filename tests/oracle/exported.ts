import type { Row, WholeFacts } from "./facts.js";

const byCreation = <T extends { readonly id: string; readonly row: Row }>(rows: readonly T[]): readonly T[] =>
  [...rows].sort((a, b) => (String(a.row.created_at) + a.id < String(b.row.created_at) + b.id ? -1 : 1));

const instant = (value: unknown): string | null => (value === null ? null : new Date(value as string).toISOString());

/** A grant that was given, or is offered, as it is taken out. */
const grantOf = ({ roleKey, roleId, row }: Omit<WholeFacts["offers"][number], "invitationId">) => ({
  roleKey,
  roleId,
  reach: row.reach,
  expiresAt: instant(row.expires_at),
});

/** The values of an event that stand apart of a person. */
interface Said {
  readonly before?: { readonly email?: string | null };
  readonly after?: { readonly email?: string | null };
}

/** Everything that the rows say about a person, as it is taken out; it is taken out before it is noted that it was. */
export function exportedOf(facts: WholeFacts, userId: string, sees: (organizationId: string) => boolean): object {
  const { users, organizations, memberships, grants, events, invitations, offers, joinRequests } = facts;
  const { id, row } = users.find((one) => one.id === userId)!;
  // What is apart of a person's event is theirs. Ids are made in the order of what happened.
  const said = events.filter((event) => event.apart !== null && event.row.target_id === id);
  const former = said.flatMap(({ apart }) => [(apart as Said).before?.email, (apart as Said).after?.email]);
  const emails = [row.email, ...former.filter((email) => !users.some((one) => one.id !== id && one.email === email))];
  const isTheirs = (one: { readonly row: Row }) => one.row.email !== null && emails.includes(one.row.email);
  return {
    user: {
      id,
      displayName: row.display_name,
      email: row.email,
      emailVerified: row.email_verified,
      imageUrl: row.image_url,
      locale: row.locale,
      externalId: row.external_id,
      metadata: row.metadata,
      status: row.status,
      createdAt: instant(row.created_at),
      updatedAt: instant(row.updated_at),
      signsIn: row.identity !== null,
    },
    memberships: memberships
      .filter((one) => one.userId === id)
      .map((one) => {
        const place = organizations.find((there) => there.id === one.organizationId)!;
        return {
          id: one.id,
          organization: sees(place.id) ? { id: place.id, slug: place.slug, name: place.name } : { id: place.id },
          status: one.row.status,
          expiresAt: instant(one.row.expires_at),
          createdAt: instant(one.row.created_at),
          grants: grants.filter(({ membershipId }) => membershipId === one.id).map(grantOf),
        };
      }),
    invitations: byCreation(invitations.filter((one) => isTheirs(one) || one.row.answered_by === id)).map((one) => ({
      id: one.id,
      organizationId: one.organizationId,
      email: one.row.email,
      status: one.row.status,
      expiresAt: instant(one.row.expires_at),
      membershipExpiresAt: instant(one.row.membership_expires_at),
      createdAt: instant(one.row.created_at),
      grants: offers.filter(({ invitationId }) => invitationId === one.id).map(grantOf),
    })),
    joinRequests: byCreation(
      joinRequests.filter((one) => isTheirs(one) || (row.identity !== null && one.row.identity === row.identity)),
    ).map((one) => ({
      id: one.id,
      organizationId: one.organizationId,
      email: one.row.email,
      displayName: one.row.display_name,
      status: one.row.status,
      createdAt: instant(one.row.created_at),
    })),
    audit: said.map(({ apart, row }) => ({ at: instant(row.at), action: row.action, changes: apart })),
    requests: requestsOf(events.filter((event) => event.address !== null && event.row.actor_id === id)),
  };
}

/** By the digest of where it was asked from, which each request has of its own; the first of its events says when. */
function requestsOf(events: WholeFacts["events"]): readonly object[] {
  const requests = new Set(events.map(({ row }) => row.origin));
  return [...requests].map((origin) => {
    const some = events.filter(({ row }) => row.origin === origin);
    const actions = [...new Set(some.map(({ row }) => row.action as string))].sort();
    return { at: instant(some[0]!.row.at), actions, address: some[0]!.address };
  });
}
