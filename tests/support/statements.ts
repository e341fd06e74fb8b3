/** Statements of the data, without what every session costs: prefix, access and end. */
export const ofData = (statements: readonly string[]): string[] =>
  statements.filter(
    (text) => !/^(begin|select set_config|select pg_advisory|with clock|commit|rollback|select t\.id)/.test(text),
  );
