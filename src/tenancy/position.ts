/** How far a database had come, and which one it is. */
export interface Position {
  /** A place in its log. */
  readonly lsn: string;
  /** The same for a database and its replicas, seen by the same login, and for no other. */
  readonly origin: string;
}

// The timeline tells those apart that were one until somebody was promoted. The login is what the walls were verified for.
const ORIGIN = `(select concat_ws(' ', s.system_identifier, c.timeline_id, current_database(), current_user)
  from pg_control_system() s, pg_control_checkpoint() c)`;

/**
 * Asked in a transaction that has its snapshot: whatever the snapshot shows was in the log before. That is the end of what was
 * inserted into it, not of what was written out: a commit that does not wait for the disk is seen before it gets there.
 */
export const POSITION = `select pg_current_wal_insert_lsn()::text as lsn, ${ORIGIN} as origin`;

/**
 * Waits on a replica, some $3 ms at most, until it has replayed a position. In a transaction of its own, before the one that
 * reads: a snapshot is taken first and asked about after, and may lack what was replayed in between.
 */
export const CATCH_UP = `select o.is_ours, case when o.is_ours and exists (
    select from generate_series(0, $3::int)
    where case when pg_last_wal_replay_lsn() >= $1::pg_lsn
        or clock_timestamp() > statement_timestamp() + $3::int * interval '1 millisecond'
      then true else pg_sleep(0.001) is null end
  ) then pg_last_wal_replay_lsn() >= $1::pg_lsn else false end as has_replayed
from (select pg_is_in_recovery() and ${ORIGIN} = $2::text as is_ours) o`;
