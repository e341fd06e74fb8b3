import { IdentityUnavailableError } from "./errors.js";
import { fetchKeySet, type KeyServer } from "./fetchKeySet.js";
import type { KeySet } from "./keySet.js";
import type { KeySource } from "./signature.js";
import { unknownKey } from "./token.js";

/** After an answer or a failure the issuer is not asked again for this long, whatever key ids are invented. */
export const COOLDOWN_MS = 30_000;
/** Keys this old are fetched anew, in the background. */
export const REFRESH_AFTER_MS = 600_000;
/**
 * Keys this old serve nobody before the issuer has been asked again: where hours pass between two tokens, the second may
 * be signed with a key that was withdrawn after the first. While the issuer answers, a withdrawn key is known this long.
 */
export const ASK_FIRST_AFTER_MS = 2 * REFRESH_AFTER_MS;
/** Keys are used without a new answer for this long, so that an issuer may be down. */
export const TRUSTED_FOR_MS = 86_400_000;

/**
 * An issuer's keys, fetched when first needed and whenever a token names one that is not known: at most one lookup at a
 * time and one per cooldown, shared by all who wait. While the issuer is out of reach, known keys go on.
 *
 * Not jose's `createRemoteJWKSet`: it has no cooldown after a failure, forgets known keys when they are stale and the
 * issuer is down, and reads the wall clock, which a jump back would freeze.
 * @param monotonicMs  a clock that never jumps
 */
export function remoteKeys(server: KeyServer, monotonicMs: () => number): KeySource {
  let known: { find: KeySet; since: number } | null = null;
  let pending: Promise<void> | null = null;
  let settledAt = Number.NEGATIVE_INFINITY;
  let failure: unknown = null;

  const age = (since: number) => monotonicMs() - since;
  const coolingDown = () => age(settledAt) < COOLDOWN_MS;

  const load = (): Promise<void> => {
    pending ??= fetchKeySet(server)
      .then((find) => {
        known = { find, since: monotonicMs() };
        failure = null;
      })
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        settledAt = monotonicMs();
        pending = null;
      });
    return pending;
  };

  const refresh = async (): Promise<void> => {
    if (!known || age(known.since) < REFRESH_AFTER_MS || coolingDown()) return;
    const loaded = load();
    if (age(known.since) >= ASK_FIRST_AFTER_MS) await loaded;
  };

  const findKnown: KeySet = async (query) => {
    await refresh();
    if (!known || age(known.since) >= TRUSTED_FOR_MS) return null;
    return known.find(query);
  };

  return async (query) => {
    const key = await findKnown(query);
    if (key) return key;

    if (pending || !coolingDown()) await load();
    // Without an answer, an unknown key may be a new one: nobody can call the token wrong.
    if (failure !== null) {
      throw new IdentityUnavailableError(Math.ceil((COOLDOWN_MS - age(settledAt)) / 1000), failure);
    }
    const found = await findKnown(query);
    if (!found) throw unknownKey();
    return found;
  };
}
