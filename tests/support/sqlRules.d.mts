/** What is wrong with a statement of a tenant's session; `[]` when nothing is. */
export function faultsOf(text: string, tables: ReadonlySet<string>): string[];
