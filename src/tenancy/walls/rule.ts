import type { Finding, Query } from "./finding.js";

/**
 * One thing that must not be found: the rows of `from` for which `where` holds. In the sentences `{name}` is a column of
 * such a row, written as an identifier with quotes where it needs them; `{=name}` is a column written as it is.
 */
export interface Rule {
  readonly from: string;
  readonly where: string;
  readonly what: string;
  readonly mend: string;
}

// A mistake is often made in every home at once, and nobody reads it a thousand times.
const MOST_OF_A_KIND = 10;

/** One statement for all rules: `sources` are the common table expressions that they read from. */
export function statementOf(sources: readonly string[], rules: readonly Rule[]): string {
  const parts = rules.map(
    ({ from, where, what, mend }) =>
      `(select ${sentence(what)} as what, ${sentence(mend)} as mend from ${from} where ${where} limit ${MOST_OF_A_KIND})`,
  );
  return `with ${sources.join(",")}\n${parts.join("\nunion all\n")}`;
}

/** What such a statement answered, as findings. */
export function findingsOf(rows: Awaited<ReturnType<Query>>): Finding[] {
  return rows.map(({ what, mend }) => ({ what: String(what), mend: String(mend) }));
}

function sentence(template: string): string {
  const columns: string[] = [];
  const text = template
    .replaceAll("%", "%%")
    .replaceAll("'", "''")
    .replace(/\{(=?)(\w+)\}/g, (_, plain: string, column: string) => {
      columns.push(column);
      return plain ? "%s" : "%I";
    });
  return `format(${[`'${text}'`, ...columns].join(", ")})`;
}
