/** Who is asking, as a verified token says. It holds in every tenant; what the person may do there is not in it. */
export type Identity = {
  readonly issuer: string;
  /** Unique at the issuer and never given to another person. */
  readonly subject: string;
  /** Normalised; null when the token has none or none that is usable. */
  readonly email: string | null;
  /** True only when the issuer says so and speaks for the address's domain. */
  readonly emailVerified: boolean;
  readonly name: string | null;
  /** Slugs of the tenants that the issuer may enter. */
  readonly tenants: "any" | readonly string[];
  /** The one tenant that the token is bound to; null when it is bound to none. */
  readonly tenant: string | null;
  /** Epoch milliseconds; from then on the token is refused. */
  readonly expiresAt: number;
};

/** Whether a token of this identity can be of any use in the tenant. Whether the person is in it, only its home says. */
export function mayEnter(identity: Pick<Identity, "tenants" | "tenant">, slug: string): boolean {
  return (
    (identity.tenants === "any" || identity.tenants.includes(slug)) &&
    (identity.tenant === null || identity.tenant === slug)
  );
}
