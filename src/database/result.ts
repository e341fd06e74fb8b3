export type Row = Record<string, unknown>;
/** Rows, and the tag that PostgreSQL closed the statement with: `SELECT`, `COMMIT`, … */
export type Result = readonly Row[] & { readonly command: string; readonly count: number };

/** A column of an answer, and how its text is read; as it is, where nothing reads it. */
export interface Column {
  readonly name: string;
  readonly parser?: ((text: string) => unknown) | undefined;
}
