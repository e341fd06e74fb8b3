import type { Owners } from "../owners.js";
import type { Finding } from "../walls/finding.js";

/** Something that is not as it must be; and, where no decision of anybody's is needed, what mends it. */
export interface Problem extends Finding {
  readonly fix?: () => Promise<void>;
}

/** Is told how many of the things of a check have been looked at. */
export type Done = (done: number, of: number) => void;

/** One thing to look at, through the owner's logins. Databases that are away are not asked for. */
export interface Check {
  readonly name: string;
  look(owners: Owners, databases: readonly string[], onDone: Done): Promise<Problem[]>;
}
