/** What settings call the database of DATABASE_URL, in which the directory is. */
export const MAIN = "main";

const REPLICA = " (replica)";
/** What a pool calls the replica of a database: a name that no setting can give. */
export const replicaOf = (database: string): string => `${database}${REPLICA}`;
export const isReplica = (name: string): boolean => name.endsWith(REPLICA);
