import type { Finding, Query } from "./finding.js";

// Twice a minute and ten times: within five minutes all is looked at, whatever the counters say.
const MOST_IN_A_ROW = 9;

/**
 * Moves with every row of a catalogue that any transaction wrote, at the latest ten seconds after it ended, when its server's
 * process tells its counters; with a restart, and with new settings. Statistics of the planner open no wall, and are written
 * all the time. Null where nothing is counted: by order of `track_counts`, and by a standby.
 */
const MARK = `
select case when current_setting('track_counts')::bool and not pg_catalog.pg_is_in_recovery() then concat_ws(' ',
  pg_catalog.pg_postmaster_start_time(), pg_catalog.pg_conf_load_time(),
  (select pg_catalog.pg_stat_get_db_stat_reset_time(oid) from pg_catalog.pg_database where datname = current_database()),
  sum(pg_catalog.pg_stat_get_tuples_inserted(oid) + pg_catalog.pg_stat_get_tuples_updated(oid)
    + pg_catalog.pg_stat_get_tuples_deleted(oid))) end as mark
from pg_catalog.pg_class
where relnamespace = 'pg_catalog'::pg_catalog.regnamespace and relkind = 'r' and relname !~ '^pg_statistic'`;

/**
 * Remembers of each look that found the walls standing what the catalogues' counters were before it: as long as they are the same,
 * nothing was changed. A look at a thousand homes costs five seconds of a core, this one a millisecond.
 */
export class Unchanged {
  readonly #sound = new Map<string, { readonly mark: string; times: number }>();

  /**
   * Looks, or says why it need not.
   * @param what names what is looked at
   * @param look finds what is wrong
   * @returns what is wrong, `[]` when all is well; null when all is as it was when all was well
   */
  async check(what: string, query: Query, look: (query: Query) => Promise<Finding[]>): Promise<Finding[] | null> {
    const [row] = await query(MARK);
    const mark = typeof row?.mark === "string" ? row.mark : null;
    const last = this.#sound.get(what);
    if (last && last.mark === mark && last.times < MOST_IN_A_ROW) {
      last.times++;
      return null;
    }
    this.#sound.delete(what);
    const findings = await look(query);
    if (mark !== null && findings.length === 0) this.#sound.set(what, { mark, times: 0 });
    return findings;
  }
}
