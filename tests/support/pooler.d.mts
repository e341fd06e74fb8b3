/** A PgBouncer of a test's own. */
export interface Pooler {
  readonly port: number;
  stop(): Promise<void>;
}

export function startPooler(options: {
  readonly port: number;
  readonly poolSize: number;
  readonly logins: readonly (readonly [name: string, password: string])[];
}): Promise<Pooler>;
