/** A change that opens a wall, and what is said of it. */
export interface Fault {
  readonly name: string;
  readonly fault: string;
  readonly finds: readonly string[];
  /** Whether doing what the findings say, word for word, leaves nothing to be found. */
  readonly isMended: boolean;
}

/** A fault that the SQL of its findings undoes. */
export const mendable = (name: string, fault: string, ...finds: string[]): Fault => ({
  name,
  fault,
  finds,
  isMended: true,
});

/** A fault whose findings tell a person what to do. */
export const byHand = (name: string, fault: string, ...finds: string[]): Fault => ({
  name,
  fault,
  finds,
  isMended: false,
});

/** What faults of homes call the home that they are planted in, first on the search_path, and another one. */
export const HOME = "t_home";
export const OTHER = "t_other";

/** The wall itself. */
export const OF_THIS_TENANT = "tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid";

/** What makes a new table of the home's what it has to be. */
export const wall = (table: string) =>
  `alter table ${table} enable row level security;
   create policy of_this_tenant on ${table} using (${OF_THIS_TENANT}) with check (${OF_THIS_TENANT});`;
