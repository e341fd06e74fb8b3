import type { Rule } from "../../src/graphql/policy.js";
import { PERMISSIONS } from "../oracle/facts.js";
import type { TestGateway } from "./gateway.js";
import { type Belonging, type Planted, world } from "./world.js";

export type MayRule = Extract<Rule, { kind: "may" }>;

/** Who asks at every field. */
export const CALLERS = [
  "signed out",
  "a stranger",
  "a member without it",
  "a holder of it elsewhere",
  "a holder of it here",
] as const;
/** Who asks where a rule is about more than one permission in one organization. */
const MORE_CALLERS = ["a holder of it here alone", "a holder lacking the other", "the one it is about"] as const;
export type CallerKind = (typeof CALLERS)[number] | (typeof MORE_CALLERS)[number];

/** Everybody whose answer a rule decides differently from somebody else's. */
export function callersOf(rule: Rule): readonly CallerKind[] {
  if (rule.kind !== "may") return CALLERS;
  const [alone, without, self] = MORE_CALLERS;
  return [
    ...CALLERS,
    ...(rule.reach === "SUBTREE" ? [alone] : []),
    ...(rule.besides ? [without] : []),
    ...(rule.self ? [self] : []),
  ];
}

/** A tenant `acme` with the organization `here`, one below it, and one beside it; and a tenant of strangers. */
export interface Stage {
  readonly acme: Planted;
  readonly globex: Planted;
}

const wordOf = ({ permission, reach }: MayRule): string => `${permission.replace(":", "-")}.${reach}`.toLowerCase();

/** The person of the stage who is this caller for a rule; any member will do where the rule asks for no permission. */
export function personFor(caller: Exclude<CallerKind, "signed out" | "a stranger">, rule: Rule): string {
  if (caller === "the one it is about") return "somebody";
  return rule.kind === "may" ? `${caller.replaceAll(" ", "-")}.${wordOf(rule)}` : "plain";
}

/** The organization that a rule asks about, by slug: most ask about the one at hand. */
export const placeOf = (rule: Rule): string => (rule.kind === "may" && rule.where.from === "root" ? "acme" : "here");

/** Somebody at hand for one mutation to act on, and for no other. */
export const targetOf = (mutation: string): string => `target-of-${mutation}`.toLowerCase();

/** What everybody at hand may do: to see what they are refused. */
const LOOK = ["organizations:read", "members:read"];

/** Plants three people for each rule: one without its permission, one who holds it elsewhere only, and one who holds it here. */
export async function plantStage(
  gateway: TestGateway,
  rules: Iterable<Rule>,
  mutations: Iterable<string>,
): Promise<Stage> {
  const people: Record<string, readonly Belonging[]> = {
    owner: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
    plain: [{ at: "here", roles: ["member"] }],
    somebody: [{ at: "here", roles: ["guest"] }],
    neighbour: [{ at: "there", roles: ["guest"] }],
  };
  for (const mutation of mutations)
    people[targetOf(mutation)] = [{ at: "here", roles: ["guest"], suspended: mutation === "resumeMembership" }];
  for (const rule of rules) {
    if (rule.kind !== "may") continue;
    const at = placeOf(rule);
    const without = (permissions: readonly string[]) => permissions.filter((one) => one !== rule.permission);
    const own = [...new Set([rule.permission, ...(rule.besides ? [rule.besides] : []), ...LOOK])];
    people[personFor("a member without it", rule)] = [{ at, can: without(PERMISSIONS), reach: "SUBTREE" }];
    people[personFor("a holder of it elsewhere", rule)] = [
      { at, can: without(LOOK) },
      ...["below", "there"].map((slug) => ({ at: slug, can: own, reach: "SUBTREE" as const })),
    ];
    if (rule.reach === "SUBTREE") people[personFor("a holder of it here alone", rule)] = [{ at, can: own }];
    if (rule.besides)
      people[personFor("a holder lacking the other", rule)] = [
        { at, can: own.filter((one) => one !== rule.besides), reach: "SUBTREE" },
      ];
    people[personFor("a holder of it here", rule)] = [
      { at, can: own, reach: rule.reach },
      // Where the neighbour is, whom only somebody who sees them can add.
      { at: "there", can: LOOK },
    ];
  }
  return world(gateway, {
    acme: {
      tree: { acme: { here: { below: {} }, there: {} } },
      roles: { local: { at: "here", permissions: ["organizations:read"] } },
      people,
      suspended: [targetOf("resumeUser")],
    },
    globex: { tree: { globex: {} }, people: { zoe: [{ at: "globex", roles: ["owner"], reach: "SUBTREE" }] } },
  });
}
