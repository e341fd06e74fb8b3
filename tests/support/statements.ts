/** How the statement begins that reads a viewer's access. */
export const ACCESS = "with who as materialized";

/** Statements of the data, without what every session costs: prefix, access and end. */
export const ofData = (statements: readonly string[]): string[] =>
  statements.filter(
    (text) =>
      !text.startsWith(ACCESS) &&
      !/^(begin|select set_config|select pg_advisory|commit|rollback|select t\.id)/.test(text),
  );
