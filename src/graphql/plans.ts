import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from "graphql";
import { type Asked, makePlan, type Plan } from "./plan.js";

/** What is kept of a document. */
interface Kept {
  readonly plans: Map<OperationDefinitionNode, Plan>;
  bytes: number;
}

// Room for a fragment that is spread at some places.
const FIELDS_PER_TOKEN = 4;
// What a plan takes, as measured, and each field of it besides what it has more or fewer of.
const OWN_BYTES = 800;
const ASKED_BYTES = 600;
const STEP_BYTES = 8;
const TYPE_BYTES = 20;
const LENGTH_BYTES = 100;
const FIELDS_BYTES = 200;
const FIELD_BYTES = 40;

let planned = 0;
const kept = new WeakMap<DocumentNode, Kept>();
/** Apart from the plans, which may have to be made again: how an operation went must not be forgotten while it is asked once more. */
const runs = new WeakMap<OperationDefinitionNode, Plan["before"]>();

/**
 * The plan of an operation of a valid document; made once, and kept as long as the document. Not kept where it has many
 * times more fields than are written, as fragments within fragments can make it: a short text would push out many others by it.
 */
export function planOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Plan {
  const known = kept.get(document);
  const before = known?.plans.get(operation);
  if (before) return before;
  const plan = makePlan(schema, document, operation, runOf(operation));
  const asked = askedIn(plan);
  if (asked.size + plan.lengths.length > FIELDS_PER_TOKEN * (document.tokenCount ?? 0)) return plan;
  const keeping = known ?? { plans: new Map(), bytes: 0 };
  keeping.plans.set(operation, plan);
  keeping.bytes += bytesOf(plan, asked);
  kept.set(document, keeping);
  return plan;
}

/** How many bytes the plans take that are kept of a document, about. */
export const bytesPlanned = (document: DocumentNode): number => kept.get(document)?.bytes ?? 0;

function runOf(operation: OperationDefinitionNode): Plan["before"] {
  const known = runs.get(operation);
  if (known) return known;
  const run = { nth: ++planned, statements: 0, isAhead: true };
  runs.set(operation, run);
  return run;
}

/** All but the roots, of which a document says how many it may have. */
const askedIn = ({ below, guarded }: Plan): ReadonlySet<Asked> => new Set([...below, ...guarded]);

function bytesOf({ roots, lengths, fields }: Plan, asked: ReadonlySet<Asked>): number {
  let bytes = OWN_BYTES + ASKED_BYTES * roots.length + LENGTH_BYTES * lengths.length;
  for (const { path, on, guards } of asked)
    bytes += ASKED_BYTES + STEP_BYTES * path.length + TYPE_BYTES * (on.size + guards.size);
  for (const names of fields.values()) bytes += FIELDS_BYTES + FIELD_BYTES * names.size;
  return bytes;
}
