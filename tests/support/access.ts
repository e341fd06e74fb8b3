import { type GraphQLObjectType, getNamedType, isObjectType, isRequiredArgument, isUnionType } from "graphql";
import type { Rule } from "../../src/graphql/policy.js";
import { buildSchema } from "../../src/schema.js";
import { call, everythingBelow, plain, written } from "./documents.js";
import { type Answer, type Caller, openGateway, type TestGateway } from "./gateway.js";
import { homeOf } from "./home.js";
import { LET_THROUGH } from "./policies.js";
import { MUTATION_EVENTS, MUTATION_SAMPLES } from "./samples.js";
import {
  aboutOf,
  CALLERS,
  type CallerKind,
  callersOf,
  isAboutOwn,
  isHiddenWithout,
  personFor,
  placeOf,
  plantStage,
  type Stage,
  targetOf,
} from "./stage.js";

const { schema, rules } = buildSchema();

/** Fields with a rule that can deny, by coordinate. */
export const GUARDED: readonly (readonly [coordinate: string, rule: Rule])[] = [...rules].filter(
  ([, rule]) => rule.kind === "may" || rule.kind === "signedIn",
);

/** What the stage has of each type whose fields have rules. */
const INSTANCES: Readonly<Record<string, (stage: Stage) => string>> = {
  Organization: ({ acme }) => acme.id("Organization", "here"),
};

/** Sends one of the five callers at a field; what the rule makes of it, and what it should. */
export async function attempt(
  { gateway, stage }: Opened,
  coordinate: string,
  rule: Rule,
  kind: CallerKind,
  isBesideOthers = false,
): Promise<{ outcome: Outcome; expected: Outcome }> {
  const caller = callerFor(kind, rule, gateway, stage);
  const document = documentFor(coordinate, stage);
  const answer = await caller.ask(isBesideOthers ? document.replace(/\}$/, "__typename }") : document);
  const outcome = outcomeOf(coordinate, answer);
  return { outcome, expected: expectedOf(coordinate, rule, kind, stage) };
}

/** What the rule of a field says to one of its callers, and what it should, in a word each; where no change is made. */
export async function verdictOn(
  { gateway, stage }: Opened,
  coordinate: string,
  rule: Rule,
  kind: CallerKind,
): Promise<{ said: string; right: string }> {
  const answer = await callerFor(kind, rule, gateway, stage).ask(documentFor(coordinate, stage));
  const inAWord = ({ field, errors: [error] }: Outcome): string => {
    if (error) return (error as { code: string }).code === LET_THROUGH ? LET_THROUGH : JSON.stringify(error);
    return field.endsWith("Payload") ? LET_THROUGH : field;
  };
  // A stranger owns their own tenant; that it has no such person, or organization, shows only later.
  const isOwner = kind === "a stranger" && (isAboutOwn(rule) || (rule.kind === "may" && rule.where.from === "root"));
  return {
    said: inAWord(outcomeOf(coordinate, answer)),
    right: isOwner ? LET_THROUGH : inAWord(expectedOf(coordinate, rule, kind, stage)),
  };
}

interface Opened {
  readonly gateway: TestGateway;
  readonly stage: Stage;
}

export async function openStage(options: Parameters<typeof openGateway>[0] = {}): Promise<Opened> {
  const gateway = await openGateway(options);
  const stage = await plantStage(
    gateway,
    GUARDED.map(([, rule]) => rule),
    Object.keys(schema.getMutationType()!.getFields()),
  );
  return { gateway, stage };
}

function callerFor(kind: CallerKind, rule: Rule, gateway: TestGateway, stage: Stage): Caller {
  if (kind === "signed out") return gateway.anonymous;
  return kind === "a stranger" ? stage.globex.as("zoe") : stage.acme.as(personFor(kind, rule));
}

/** Sends the five callers at every field that can deny, and holds each to what its rule says. */
export function describeAccess(): void {
  let opened: Opened;
  let content: string;
  let ran = 0;
  const noted = new Set<unknown>();
  /** What the audit says beyond what it said when it was last looked at. */
  const newEvents = async () => {
    const events = await homeOf(opened.gateway, "acme")("select id, action from audit_events");
    const unseen = events.filter(({ id }) => !noted.has(id));
    for (const { id } of unseen) noted.add(id);
    return unseen.map(({ action }) => action);
  };
  beforeAll(async () => {
    opened = await openStage();
    content = await opened.gateway.database.content("acme");
    await newEvents();
  });
  afterAll(() => opened.gateway.close());

  describe.each(GUARDED)("%s", (coordinate, rule) => {
    const isLetIn = (kind: CallerKind) => kind === "a holder of it here" || kind === "the one it is about";
    // A query cannot change anything: its transaction is read-only.
    const changes = coordinate.startsWith("Mutation.");

    it.each(callersOf(rule))("keeps to its rule for whoever is %s", async (kind) => {
      // Beside another field, a mutation is judged before anything runs, and then again.
      const beside = changes && !isLetIn(kind) && (await attempt(opened, coordinate, rule, kind, true));
      const { outcome, expected } = await attempt(opened, coordinate, rule, kind);

      expect(outcome).toEqual(expected);
      if (beside) expect(beside.outcome).toEqual(expected);
      if (changes) {
        const before = content;
        content = await opened.gateway.database.content("acme");
        // Who holds it in what is suspended cannot resume that: it takes somebody above.
        const isDone = isLetIn(kind) && coordinate !== "Mutation.resumeOrganization";
        expect(content !== before).toBe(isDone);
        const event = MUTATION_EVENTS[splitOf(coordinate)[1] as keyof typeof MUTATION_EVENTS];
        expect(await newEvents()).toEqual(isDone ? expect.arrayContaining([event]) : []);
      }
      ran += 1;
    });
  });

  it("was asked of every guarded field by every caller", () => {
    expect(ran).toBe(GUARDED.flatMap(([, rule]) => callersOf(rule)).length);
    expect(ran).toBeGreaterThan(GUARDED.length * CALLERS.length);
  });

  it("is not even reached by a stranger who names the tenant", async () => {
    const stranger = opened.gateway.as("zoe@globex.test", "acme");

    for (const [coordinate] of GUARDED) {
      const { status, data, errors } = await stranger.ask(documentFor(coordinate, opened.stage));
      expect([coordinate, status]).toEqual([coordinate, 400]);
      expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([]);
      expect(errors!.map(({ extensions }) => extensions.code)).toEqual(["TENANT_NOT_FOUND"]);
    }
  });
}

const splitOf = (coordinate: string) => coordinate.split(".") as [type: string, field: string];

/** The field, about what is in `here`, beside others that nobody may lose with it. */
function documentFor(coordinate: string, stage: Stage): string {
  const [typeName, fieldName] = splitOf(coordinate);
  const type = schema.getType(typeName) as GraphQLObjectType;
  const field = type.getFields()[fieldName]!;
  if (type === schema.getMutationType()) {
    return `mutation { ${fieldName}(input: ${written(inputOf(fieldName, stage))}) { __typename } }`;
  }
  const asked = `${call(field, namesOf(stage))} ${everythingBelow(schema, getNamedType(field.type), 0, namesOf(stage))}`;
  // Beside a field that nobody can decide before it runs, so that the rule is asked where it runs as well.
  if (type === schema.getQueryType()) return `{ __typename permissions { key } ${asked} }`;
  const instance = INSTANCES[typeName];
  if (!instance) throw new Error(`Say what the stage has of the type ${typeName}.`);
  return `{ __typename node(id: "${instance(stage)}") { id ... on ${typeName} { ${asked} } } }`;
}

/** The sample input of a mutation, about what is in `here` or in an organization of its own. */
export function inputOf(mutation: string, { acme }: Stage): Readonly<Record<string, unknown>> {
  const sample = MUTATION_SAMPLES[mutation];
  if (!sample) throw new Error(`Write a sample input for the mutation ${mutation}.`);
  return sample({ tenant: acme, at: aboutOf(mutation), person: targetOf(mutation) });
}

/** Arguments that name what is in `here`. */
const namesOf = ({ acme }: Stage) =>
  plain((type, name, input) => {
    if (/^permissions?$/.test(name)) return "members:read";
    if (/user/i.test(name + input)) return acme.id("User", "somebody");
    if (name === "roleId") return acme.id("Role", "local");
    return type === "ID" ? acme.id("Organization", "here") : "here";
  });

export interface Outcome {
  readonly status: number;
  /** What the field answered: absent where it was not reached, as its own null, or anything. */
  readonly field: "absent" | "null" | "answered" | string;
  /** Whether everything around it is there. */
  readonly siblings: boolean;
  readonly errors: readonly object[];
}

function outcomeOf(
  coordinate: string,
  { status, data, errors = [] }: Pick<Answer, "status" | "data" | "errors">,
): Outcome {
  const [typeName, fieldName] = splitOf(coordinate);
  const isRoot = typeName === "Query" || typeName === "Mutation";
  const holder = isRoot ? data : data.node;
  const value = holder?.[fieldName];
  const answered = value?.__typename && typeName === "Mutation" ? value.__typename : "answered";
  return {
    status,
    field: value === undefined ? "absent" : value === null ? "null" : answered,
    siblings:
      typeName === "Mutation" ||
      (data.__typename === "Query" && (isRoot || holder === null || holder.id !== undefined)),
    errors: errors.map(({ path, extensions }) => ({ path, ...extensions })),
  };
}

function expectedOf(coordinate: string, rule: Rule, kind: CallerKind, stage: Stage): Outcome {
  const [typeName, fieldName] = splitOf(coordinate);
  const isRow = typeName !== "Query" && typeName !== "Mutation";
  const path = isRow ? ["node", fieldName] : [fieldName];
  const denied = (extensions: object): Outcome => ({
    status: 200,
    field: "null",
    siblings: true,
    errors: [{ path, ...extensions }],
  });
  const open = (field: string): Outcome => ({ status: 200, field, siblings: true, errors: [] });

  // A row that somebody does not see is not there, so its field is not asked.
  if (isRow && (kind === "signed out" || kind === "a stranger")) return open("absent");
  if (kind === "signed out") return denied({ code: "UNAUTHENTICATED" });
  if (typeName === "Mutation" && kind === "a stranger") {
    // What names nothing is about their own tenant.
    const names = Object.keys(inputOf(fieldName, stage)).some((key) => key.endsWith("Id"));
    return open(names ? "NotFoundFailure" : payloadOf(fieldName));
  }
  if (typeName === "Query" && kind === "a stranger" && rule.kind === "may") return open("null");
  if (typeName === "Query" && rule.kind === "signedIn") {
    // What a stranger names is not theirs to see; of a list they see what is in their own tenant.
    return open(kind === "a stranger" && namesOne(fieldName) ? "null" : "answered");
  }
  if (rule.kind === "may" && kind !== "a holder of it here" && kind !== "the one it is about") {
    const isAside = / (on one side|aside)/.test(kind);
    if (isHiddenWithout(rule)) return open("NotFoundFailure");
    const { permission, besides, reach } = isAside ? rule.also! : rule;
    const about = typeName === "Mutation" ? aboutOf(fieldName) : "here";
    return denied({
      code: "FORBIDDEN",
      permission: / lacking /.test(kind) ? besides : permission,
      organizationId: stage.acme.id(
        "Organization",
        isAside ? "aside" : rule.where.from === "root" ? placeOf(rule) : about,
      ),
      ...(reach === "SUBTREE" && { reach: "SUBTREE" }),
    });
  }
  return open(typeName === "Mutation" ? payloadOf(fieldName) : "answered");
}

/** Whether a root field answers one object that its arguments name. */
function namesOne(fieldName: string): boolean {
  const field = schema.getQueryType()!.getFields()[fieldName]!;
  const type = getNamedType(field.type);
  return field.args.some(isRequiredArgument) && isObjectType(type) && "id" in type.getFields();
}

const payloadOf = (mutation: string): string => {
  const result = getNamedType(schema.getMutationType()!.getFields()[mutation]!.type);
  return isUnionType(result) ? result.getTypes()[0]!.name : result.name;
};
