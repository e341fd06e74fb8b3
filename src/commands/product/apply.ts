import { randomUUID } from "node:crypto";
import { type Catalogue, productOf } from "../../access/catalogue.js";
import { holdTenants, noteProduct } from "../../tenancy/directory/product.js";
import { alone } from "../../tenancy/migrations/directory.js";
import { inTransaction } from "../../tenancy/migrations/transaction.js";
import type { Owners } from "../../tenancy/owners.js";
import { RefusedError } from "../explain.js";
import { progress } from "../progress.js";
import { carryOut } from "./carryOut.js";
import { isInUse, type Plan, type Planned, planOf } from "./plan.js";
import { say } from "./say.js";
import { enter, listHomes, surveyEntered } from "./survey.js";

/**
 * Applies a catalogue: each tenant is changed in a transaction of its own, and that it is applied is noted last; whatever
 * interrupts it, it is simply run again. One run at a time.
 * @returns what it did
 * @throws RefusedError without `force`, when something that would go is in use; nothing is changed then
 */
export const applyProduct = async (owners: Owners, catalogue: Catalogue, force: boolean): Promise<Plan> =>
  alone(await owners.main, undefined, () => apply(owners, catalogue, force));

async function apply(owners: Owners, catalogue: Catalogue, force: boolean): Promise<Plan> {
  const plan = await planOf(owners, catalogue, undefined, progress("Tenants looked at"));
  if (!force) mustBeFree(plan.planned);
  const runId = randomUUID();
  if (force) {
    const said = progress("Tenants changed");
    for (const [done, home] of plan.homes.entries()) {
      said(done, plan.homes.length);
      const owner = await owners.of(home.database);
      await inTransaction(owner, () => carryOut(owner, home, catalogue, runId));
    }
  }
  const main = await owners.main;
  await inTransaction(main, async () => {
    await holdTenants(main);
    const seen = new Set(plan.homes.map(({ id }) => id));
    for (const home of (await listHomes(main)).filter(({ id }) => !seen.has(id))) {
      const owner = await owners.of(home.database);
      const within = <T>(work: () => Promise<T>) => (owner === main ? work() : inTransaction(owner, work));
      if (force) {
        await within(() => carryOut(owner, home, catalogue, runId));
        continue;
      }
      const found = await within(async () => {
        await enter(owner, home);
        return surveyEntered(owner, home, plan.changes, { applied: plan.applied, wanted: catalogue });
      });
      mustBeFree(found.map(({ change, concerned }) => ({ change, ...concerned, tenants: 1 })));
    }
    await noteProduct(main, productOf(catalogue));
  });
  return plan;
}

function mustBeFree(planned: readonly Planned[]): void {
  const used = planned.filter(isInUse);
  if (used.length === 0) return;
  throw new RefusedError(
    `Nothing was changed, for something that would go is in use:\n${used.map(say).join("\n")}\n` +
      "With --force, tenants' roles lose such a permission, grants of such a template end, and who accepts an offer of it gets nothing by it.",
  );
}
