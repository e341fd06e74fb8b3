import { WATCHED_SETTINGS } from "./attributes.js";
import type { Finding, Query } from "./finding.js";

/** A look that took so long is made again after fifty times that, whatever the counters say: it takes a fiftieth of a core at most, … */
const SHARE = 50;
/** … or after so long. */
const LONGEST_MS = 270_000;

/**
 * Moves with every row of a catalogue that any transaction wrote, once the session that wrote it has told its counters: when it is idle,
 * for ten seconds at most, or ends. With a restart, and where the counters began anew; with another login, or other settings of the
 * session at hand. Statistics of the planner open no wall, and are written all the time. Null where nothing is counted: by order of
 * `track_counts` for this login, and by a standby.
 */
const MARK = `
select case when current_setting('track_counts')::bool and not pg_catalog.pg_is_in_recovery() then concat_ws(' ',
  session_user, current_user, current_setting('row_security'),
  (select string_agg(concat_ws('=', name, setting, reset_val, source), ' ' order by name) from pg_catalog.pg_settings
    where name = any ('{${WATCHED_SETTINGS}}')),
  pg_catalog.pg_postmaster_start_time(), pg_catalog.pg_stat_get_bgwriter_stat_reset_time(),
  (select pg_catalog.pg_stat_get_db_stat_reset_time(oid) from pg_catalog.pg_database where datname = current_database()),
  sum(pg_catalog.pg_stat_get_tuples_inserted(oid) + pg_catalog.pg_stat_get_tuples_updated(oid)
    + pg_catalog.pg_stat_get_tuples_deleted(oid))) end as mark
from pg_catalog.pg_class
where relnamespace = 'pg_catalog'::pg_catalog.regnamespace and relkind = 'r' and relname !~ '^pg_statistic'`;

/**
 * Remembers of each look that found the walls standing what the catalogues' counters were before it: as long as they are the same,
 * nothing that was told of was changed. A look at a thousand homes takes five seconds of a core, this one a few milliseconds. What takes
 * little is looked at each time: counters may be told late, and a session may have them off.
 */
export class Unchanged {
  readonly #sound = new Map<string, { readonly mark: string; readonly until: number }>();

  constructor(private readonly monotonicMs: () => number = () => performance.now()) {}

  /**
   * Looks, or says why it need not.
   * @param what names what is looked at
   * @param look finds what is wrong
   * @returns what is wrong, `[]` when all is well; null when all is as it was when all was well
   */
  async check(what: string, query: Query, look: (query: Query) => Promise<Finding[]>): Promise<Finding[] | null> {
    const [row] = await query(MARK);
    const mark = typeof row?.mark === "string" ? row.mark : null;
    const began = this.monotonicMs();
    const last = this.#sound.get(what);
    if (last && last.mark === mark && began < last.until) return null;
    this.#sound.delete(what);
    const findings = await look(query);
    const took = this.monotonicMs() - began;
    const until = began + Math.min(SHARE * took, LONGEST_MS);
    if (mark !== null && findings.length === 0) this.#sound.set(what, { mark, until });
    return findings;
  }
}
