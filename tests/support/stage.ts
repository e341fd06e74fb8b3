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
const MORE_CALLERS = [
  "a holder of it here alone",
  "a holder lacking the other",
  "the one it is about",
  "a holder on one side",
  "a holder aside alone",
  "a holder aside lacking one",
] as const;
export type CallerKind = (typeof CALLERS)[number] | (typeof MORE_CALLERS)[number];

/** Whether a rule lets whoever is signed in change what is their own. */
export const isAboutOwn = (rule: Rule): boolean => rule.kind === "signedIn" && rule.purpose !== undefined;

/** Everybody whose answer a rule decides differently from somebody else's. */
export function callersOf(rule: Rule): readonly CallerKind[] {
  // Whoever is signed in gives up what is theirs, and can do so once.
  if (isAboutOwn(rule)) return ["signed out", "a stranger", "a holder of it here"];
  if (rule.kind !== "may") return CALLERS;
  const [alone, without, self, oneSide, alongside, withoutAlongside] = MORE_CALLERS;
  const last = "a holder of it here";
  return [
    ...CALLERS.filter((caller) => caller !== last),
    ...(rule.reach === "SUBTREE" ? [alone] : []),
    ...(rule.besides ? [without] : []),
    ...(rule.self ? [self] : []),
    ...(rule.also ? [oneSide, alongside, withoutAlongside] : []),
    // Who comes after this one finds what was changed.
    last,
  ];
}

/**
 * A tenant `acme` with the organization `here`, one below it, one beside it, one where nobody is, and one for each mutation
 * that closes or moves what it is about; and a tenant of strangers.
 */
export interface Stage {
  readonly acme: Planted;
  readonly globex: Planted;
}

const wordOf = ({ permission, reach, where, also }: MayRule): string =>
  `${permission.replace(":", "-")}.${reach}${where.from === "root" ? ".root" : ""}${also ? ".both" : ""}`.toLowerCase();

/** The person of the stage who is this caller for a rule; any member will do where the rule asks for no permission. */
export function personFor(caller: Exclude<CallerKind, "signed out" | "a stranger">, rule: Rule): string {
  if (caller === "the one it is about") return "somebody";
  if (isAboutOwn(rule)) return "leaver";
  return rule.kind === "may" ? `${caller.replaceAll(" ", "-")}.${wordOf(rule)}` : "plain";
}

/** The organization that a rule asks about, by slug: most ask about the one at hand. */
export const placeOf = (rule: Rule): string => (rule.kind === "may" && rule.where.from === "root" ? "acme" : "here");

/** Permissions to make of an organization what leaves nothing to do for other mutations. */
const ENDS = ["organizations:suspend", "organizations:delete", "organizations:move"];
const ENDING = /^(suspend|resume|archive|restore|delete|move)Organization$/;

/** The organization that a mutation is about, by slug. */
export const aboutOf = (mutation: string): string => (ENDING.test(mutation) ? `of-${mutation}`.toLowerCase() : "here");

/** Somebody at hand for one mutation to act on, and for no other. */
export const targetOf = (mutation: string): string => `target-of-${mutation}`.toLowerCase();

/** Things that exist for those alone who may do something with them. */
export const isHiddenWithout = ({ where }: MayRule): boolean =>
  where.from === "args" && ["Invitation", "JoinRequest"].includes(where.type);

/** What everybody at hand may do: to see what they are refused. */
export const LOOK = ["organizations:read", "members:read"];

/** Plants three people for each rule: one without its permission, one who holds it elsewhere only, and one who holds it here. */
export async function plantStage(
  gateway: TestGateway,
  rules: Iterable<Rule>,
  mutations: Iterable<string>,
): Promise<Stage> {
  const people: Record<string, readonly Belonging[]> = {
    owner: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
    plain: [{ at: "here", roles: ["member"] }],
    leaver: [
      { at: "acme", roles: ["owner"], reach: "SUBTREE" },
      { at: "here", roles: ["member"] },
    ],
    somebody: [{ at: "here", roles: ["guest"] }],
    neighbour: [{ at: "there", roles: ["guest"] }],
  };
  const own = [...mutations].filter((mutation) => ENDING.test(mutation)).map(aboutOf);
  for (const mutation of mutations)
    people[targetOf(mutation)] = [{ at: "here", roles: ["guest"], suspended: mutation === "resumeMembership" }];
  for (const rule of rules) {
    if (rule.kind !== "may") continue;
    const { permission, besides, reach, also } = rule;
    const places = ENDS.includes(permission) ? ["here", ...own] : [placeOf(rule)];
    const at = (can: readonly string[], far: MayRule["reach"] = "ORGANIZATION"): Belonging[] =>
      places.map((place) => ({ at: place, can, reach: far }));
    const without = (permissions: readonly string[]) => permissions.filter((one) => one !== permission);
    // Who moves gives what there is above the new place: they hold it themselves.
    const alongside = also ? [also.permission, ...(also.besides ? [also.besides] : [])] : [];
    const held = [...new Set([permission, ...(besides ? [besides] : []), ...alongside, ...LOOK])];
    const aside = (can: readonly string[], far: MayRule["reach"] = "SUBTREE"): Belonging[] =>
      also ? [{ at: "aside", can, reach: far }] : [];
    const both = [...alongside, ...LOOK];
    people[personFor("a member without it", rule)] = at(without(PERMISSIONS), "SUBTREE");
    people[personFor("a holder of it elsewhere", rule)] = [
      ...at(without(LOOK)),
      ...["below", "there"].map((slug) => ({ at: slug, can: held, reach: "SUBTREE" as const })),
    ];
    if (reach === "SUBTREE") people[personFor("a holder of it here alone", rule)] = [...at(held), ...aside(both)];
    if (besides)
      people[personFor("a holder lacking the other", rule)] = at(
        held.filter((one) => one !== besides),
        "SUBTREE",
      );
    people[personFor("a holder of it here", rule)] = [
      ...at(held, reach),
      ...aside(both),
      // Where the neighbour is, whom only somebody who sees them can add.
      { at: "there", can: LOOK },
    ];
    if (!also) continue;
    people[personFor("a holder on one side", rule)] = [...at(held, reach), ...aside(LOOK)];
    people[personFor("a holder aside alone", rule)] = [...at(held, reach), ...aside(both, "ORGANIZATION")];
    people[personFor("a holder aside lacking one", rule)] = [
      ...at(held, reach),
      ...aside(both.filter((one) => one !== also.besides)),
    ];
  }
  return world(gateway, {
    acme: {
      tree: {
        acme: { here: { below: {} }, there: {}, aside: {}, ...Object.fromEntries(own.map((slug) => [slug, {}])) },
      },
      roles: {
        local: { at: "here", permissions: ["organizations:read"] },
        unused: { at: "here", permissions: ["organizations:read"] },
      },
      people,
      offers: { accepted: { from: "owner", to: "leaver" }, closed: { from: "somebody", to: "leaver" } },
      claims: { here: ["verifyDomain", "releaseDomain"].map((mutation) => `${targetOf(mutation)}.test`) },
      asking: { here: ["approveJoinRequest", "refuseJoinRequest"].map(targetOf) },
      invited: { here: ["resendInvitation", "withdrawInvitation"].map(targetOf) },
      suspended: [targetOf("resumeUser")],
      archived: [aboutOf("restoreOrganization")],
    },
    globex: { tree: { globex: {} }, people: { zoe: [{ at: "globex", roles: ["owner"], reach: "SUBTREE" }] } },
  });
}
