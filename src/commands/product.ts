import type { Catalogue } from "../access/catalogue.js";
import { readSettings } from "../config.js";
import type { Owners } from "../tenancy/owners.js";
import { withOwnersOf } from "./database.js";
import { applyProduct } from "./product/apply.js";
import { isInUse, type Planned, planOf } from "./product/plan.js";
import { say, toLine } from "./product/say.js";
import type { Found, Home } from "./product/survey.js";
import { print, progress } from "./progress.js";

interface Output {
  readonly json?: boolean;
}

/** `tenantry product plan`: what applying the file would change, for whom. Changes nothing. */
export async function productPlan({ json }: Output): Promise<void> {
  const { planned } = await asOwner((owners, catalogue) =>
    planOf(owners, catalogue, json ? tellHome : undefined, progress("Tenants looked at")),
  );
  tell(planned, json);
  if (json) return;
  if (planned.length === 0) print("Nothing to do: what the file says is what is applied.\n");
  else print(`Nothing is changed yet. \`tenantry product apply${planned.some(isInUse) ? " --force" : ""}\` does it.\n`);
}

/** `tenantry product apply`: does it. */
export async function productApply({ json, force = false }: Output & { readonly force?: boolean }): Promise<void> {
  const { planned } = await asOwner((owners, catalogue) => applyProduct(owners, catalogue, force));
  tell(planned, json);
  if (!json) print(planned.length === 0 ? "Nothing to do: it is applied already.\n" : "Applied.\n");
}

function tellHome({ slug }: Home, found: readonly Found[]): void {
  for (const { change, concerned } of found) print(toLine({ tenant: slug }, change, concerned));
}

function tell(planned: readonly Planned[], json: boolean | undefined): void {
  for (const one of planned) print(json ? toLine({ tenants: one.tenants }, one.change, one) : `${say(one)}\n`);
}

const asOwner = <T>(work: (owners: Owners, catalogue: Catalogue) => Promise<T>): Promise<T> => {
  const settings = readSettings(process.env);
  return withOwnersOf(settings, (owners) => work(owners, settings.TENANTRY_PRODUCT));
};
