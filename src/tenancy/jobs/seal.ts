import { Seal } from "../seal.js";
import type { JobHead, Sealed } from "./job.js";

/** The purpose for which the key of jobs is derived from the installation's. */
export const JOBS_KEY = "tenantry jobs v1";

/** The row was not written by somebody with the installation's key, or was changed since. */
export class JobForgedError extends Error {
  override readonly name = "JobForgedError";
  constructor() {
    super("It was not asked for with this installation's TENANTRY_KEY, or was changed afterwards. Nothing was done.");
  }
}

/**
 * Seals what is to be done: readable and writable with the key alone, and good only in the row that it was made for. Who
 * can write to the directory, and no more, can have nothing done by it.
 * @param key derived for this purpose, 32 bytes
 */
export const seal = (key: Buffer, head: JobHead, sealed: Sealed): Buffer =>
  new Seal(key).close(bound(head), JSON.stringify(sealed));

/** @throws JobForgedError */
export function open(key: Buffer, head: JobHead, bytes: Buffer): Sealed {
  const text = new Seal(key).open(bound(head), bytes);
  const sealed: Sealed | null = text === null ? null : JSON.parse(text);
  if (sealed?.order.kind === head.kind) return sealed;
  // Whatever is wrong with it, it is not what was asked for.
  throw new JobForgedError();
}

/** What stands beside the seal in the row, and is believed because the seal was made for it. */
function bound({ id, kind, slug, askedBy, operator, slot, askedAt }: JobHead): string {
  return JSON.stringify([1, id, kind, slug, askedBy.toString("hex"), operator, slot, askedAt.getTime()]);
}
