import { Seal } from "../seal.js";

/** Who asks: the keyed digest of their identity, and what the settings call an operator. */
export interface Asking {
  readonly digest: Buffer;
  readonly operator: string | null;
}

/** What stands in the directory about who cancelled a job, as a column of the job. */
export const CANCELLATIONS = `(
  select json_agg(json_build_object('askedBy', encode(c.asked_by, 'hex'), 'operator', c.operator, 'askedAt', c.asked_at,
    'sealed', encode(c.sealed, 'hex')) order by c.asked_at)
  from tenantry.job_cancellations c where c.job_id = jobs.id) as cancellations`;

interface Cancellation {
  readonly askedBy: string;
  readonly operator: string;
  readonly askedAt: string;
  readonly sealed: string;
}

/**
 * What shows that a job was cancelled by somebody with the key.
 * @param key derived for jobs, 32 bytes
 */
export const sealCancellation = (key: Buffer, id: string, { digest, operator }: Asking, at: Date): Buffer =>
  new Seal(key).close(bound(id, digest.toString("hex"), operator, at), "");

/** The operator who first cancelled the job of this row; null where nobody did who has the key. */
export function cancellerIn(key: Buffer, { id, cancellations }: Record<string, unknown>): string | null {
  const seal = new Seal(key);
  const all = (cancellations ?? []) as readonly Cancellation[];
  const isReal = ({ askedBy, operator, askedAt, sealed }: Cancellation) =>
    seal.open(bound(String(id), askedBy, operator, new Date(askedAt)), Buffer.from(sealed, "hex")) !== null;
  return all.find(isReal)?.operator ?? null;
}

const bound = (id: string, askedBy: string, operator: string | null, at: Date): string =>
  JSON.stringify(["cancelled", 1, id, askedBy, operator, at.getTime()]);
