import { MAIN } from "../../database/names.js";
import type { TenantId } from "../../ids.js";
import type { Owners } from "../owners.js";
import { holdTenant } from "../tenants/record.js";
import { closeOld, lift, openNew } from "./fence.js";
import { forgetMove, type Recorded, readMoves, recordStep } from "./record.js";
import { removeHome } from "./remove.js";
import type { Place, Route } from "./route.js";
import { removeTraces } from "./trace.js";
import { openWorker, type Worker } from "./worker.js";

/** What became of a move that was written down. */
export interface Recovered {
  readonly slug: string;
  /**
   * `TAKEN_BACK`: the tenant is in its old home, and nothing is left of the new one. `COMPLETED`: it is in its new home.
   * `REMOVED`: the old home, which had been kept, is gone. `KEPT`: it is still to be kept. `UNDER_WAY`: a mover is at work.
   * `FAILED`: it could not be brought to its end, for the reason that stands beside it.
   */
  readonly outcome: "TAKEN_BACK" | "COMPLETED" | "REMOVED" | "KEPT" | "UNDER_WAY" | "FAILED";
  readonly reason?: Error;
}

/** Whether something is left to do for a move, unless somebody is at work on it. */
export const isOverdue = ({ step, isDue }: Pick<Recorded, "step" | "isDue">): boolean => step !== "LEFT" || isDue;

/** Brings to their end the moves of all tenants for which something is left to do, and no others. `[]` when there are none. */
export async function recoverOverdue(owners: Owners): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  const overdue = (await readMoves(await owners.main, null)).filter(isOverdue);
  for (const tenant of new Set(overdue.map((move) => move.tenant)))
    recovered.push(...(await recoverMoves(owners, tenant)));
  return recovered;
}

/** The connection that writes in the directory, and holds the tenant meanwhile. */
type Desk = Pick<Worker, "lease">;

/**
 * Brings every interrupted move to its end, after which each tenant is in exactly one home, and removes the old homes that
 * have been kept for as long as they were to be. Moves that are under way are left alone.
 * @param tenant whose moves alone are looked at
 */
export async function recoverMoves(owners: Owners, tenant: TenantId | null = null): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  const slugs = new Map((await readMoves(await owners.main, tenant)).map((move) => [move.tenant, move.slug]));
  for (const [id, slug] of slugs) {
    const desk = await openWorker(owners, MAIN, id, "desk");
    try {
      if (await holdTenant(desk.lease, id)) recovered.push(...(await recoverTenant(owners, desk, id)));
      else recovered.push({ slug, outcome: "UNDER_WAY" });
    } catch (error) {
      // One whose database is away must not keep the others from their homes.
      recovered.push({ slug, outcome: "FAILED", reason: error as Error });
    } finally {
      await desk.close();
    }
  }
  return recovered;
}

/** The same for the tenant whose move this desk has taken. */
export async function recoverTenant(owners: Owners, desk: Desk, tenant: TenantId): Promise<Recovered[]> {
  const recovered: Recovered[] = [];
  for (const move of await readMoves(desk.lease, tenant)) {
    const { slug, step, isDue } = move;
    if (step === "SWITCHED") recovered.push({ slug, outcome: await complete(owners, desk, move) });
    else if (step !== "LEFT") recovered.push({ slug, outcome: await takeBack(owners, desk, move) });
    else if (isDue) recovered.push({ slug, outcome: await removeOld(owners, desk, move) });
    else recovered.push({ slug, outcome: "KEPT" });
  }
  return recovered;
}

/**
 * Brings the moves of a tenant to their end and removes its old homes, those too that were to be kept: it is to be erased.
 * The desk holds the tenant.
 */
export async function forgetMoves(owners: Owners, desk: Desk, tenant: TenantId): Promise<void> {
  await recoverTenant(owners, desk, tenant);
  for (const move of await readMoves(desk.lease, tenant)) await removeOld(owners, desk, move);
}

/** The directory still says the old home: it is opened again, and nothing is left of the new one. */
async function takeBack(owners: Owners, desk: Desk, move: Recorded): Promise<"TAKEN_BACK"> {
  await asHeir(owners, move, move.from, async (from) => {
    await lift(from.lease, move);
    await removeTraces(from.lease, move);
  });
  await asHeir(owners, move, move.to, (to) => removeHome(desk.lease, to.lease, move.to, move.tenant));
  await forgetMove(desk.lease, move);
  return "TAKEN_BACK";
}

/** The directory says the new home already: the old one is closed for good, and only then the new one opened. */
async function complete(owners: Owners, desk: Desk, move: Recorded): Promise<"COMPLETED"> {
  await asHeir(owners, move, move.from, (from) => closeOld(from.lease, move));
  await asHeir(owners, move, move.to, (to) => openNew(to.lease, move));
  await asHeir(owners, move, move.from, (from) => removeTraces(from.lease, move));
  await recordStep(desk.lease, move, "LEFT");
  return "COMPLETED";
}

/** Removes the home that the tenant left, before its time where somebody needs the place. */
export async function removeOld(owners: Owners, desk: Desk, move: Recorded): Promise<"REMOVED"> {
  await asHeir(owners, move, move.from, (from) => removeHome(desk.lease, from.lease, move.from, move.tenant));
  await forgetMove(desk.lease, move);
  return "REMOVED";
}

async function asHeir(
  owners: Owners,
  { tenant }: Route,
  { database }: Place,
  work: (worker: Worker) => Promise<void>,
): Promise<void> {
  const worker = await openWorker(owners, database, tenant, "heir");
  try {
    await work(worker);
  } finally {
    await worker.close();
  }
}
