import type { WholeFacts } from "./facts.js";

const instant = (value: unknown): string | null => (value === null ? null : new Date(value as string).toISOString());

/** Everything that the rows say about a person, as it is taken out. */
export function exportedOf({ users, organizations, memberships, grants, events }: WholeFacts, userId: string): object {
  const { id, row } = users.find((one) => one.id === userId)!;
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
          organization: { id: place.id, slug: place.slug, name: place.name },
          status: one.row.status,
          expiresAt: instant(one.row.expires_at),
          createdAt: instant(one.row.created_at),
          grants: grants
            .filter(({ membershipId }) => membershipId === one.id)
            .map(({ roleKey, roleId, row }) => ({
              roleKey,
              roleId,
              reach: row.reach,
              expiresAt: instant(row.expires_at),
            })),
        };
      }),
    // What is apart of a person's event is theirs. Ids are made in the order of what happened.
    audit: events
      .filter(({ apart, row }) => apart !== null && row.target_id === id)
      .map(({ apart, row }) => ({ at: instant(row.at), action: row.action, changes: apart })),
  };
}
