import type { GeneratorValue } from "fast-check";
import fc from "fast-check";
import type { GraphQLSchema } from "graphql";
import { encoded } from "../oracle/answers.js";
import { PERMISSIONS, type WholeFacts } from "../oracle/facts.js";
import type { Choice } from "./documents.js";
import { documentOf } from "./randomDocuments.js";

const DEPTHS = [2, 3, 4, 5];
const MISSING = "01900000-0000-7000-8000-000000000000";

/** Arguments that the oracle does not understand. */
const CURSORS = /^(after|before)$/;
const METADATA = [{}, { plan: "pro" }, { seats: 3, since: null }, { nested: { list: [1, "two", { three: true }] } }];
/** The beginnings of words, of none, and what means something in a pattern. */
const SEARCHES = ["o", "O1", "v", "VER", "otto@", "test", "tenant", "one", "era", "nothing", "%", ".", " "];

/** A valid document about a tenant, of which the oracle can say what it answers. */
export function judgedDocument(
  schema: GraphQLSchema,
  kind: "query" | "mutation",
  facts: WholeFacts,
  fixedRoles: readonly string[],
  g: GeneratorValue,
): string {
  const one = <T>(of: readonly T[]): T => of[g(fc.nat, { max: of.length - 1 })]!;
  const oneIn = (times: number): boolean => g(fc.nat, { max: times - 1 }) === 0;
  const all: Readonly<Record<string, readonly string[]>> = {
    Organization: facts.organizations.map(({ id }) => id),
    User: facts.users.map(({ id }) => id),
    Membership: facts.memberships.map(({ id }) => id),
    Grant: facts.grants.map(({ id }) => id),
    Role: [...facts.roles.map(({ id }) => id), ...fixedRoles],
    Invitation: facts.invitations.map(({ id }) => id),
    JoinRequest: facts.joinRequests.map(({ id }) => id),
    AuditEvent: facts.events.map(({ id }) => id),
    OwnershipOffer: facts.ownershipOffers.map(({ id }) => id),
    Tenant: [facts.tenantId],
  };
  const idOf = (type: string): string => encoded(type, oneIn(12) ? MISSING : one([...all[type]!, MISSING]));
  let isFirst = false;
  const choice: Choice = {
    one,
    items: () => one([1, 1, 2, 3]),
    has: (name) => {
      if (name === "first") isFirst = oneIn(3);
      if (name === "first") return isFirst;
      if (name === "last" && isFirst) return false;
      return !CURSORS.test(name) && oneIn(3);
    },
    scalar: (type, name, input) => {
      if (type === "ID") {
        if (name === "targetId")
          return one([
            idOf("User"),
            ...facts.events.map(({ row }) => encoded(String(row.target_type), String(row.target_id))),
          ]);
        const named = /^(organization|parent|user|actor|membership|grant|role|offer|invitation|joinRequest)Id$/.exec(
          name,
        )?.[1];
        const types: Readonly<Record<string, string>> = {
          parent: "Organization",
          actor: "User",
          offer: "OwnershipOffer",
        };
        if (named) return idOf(types[named] ?? `${named[0]!.toUpperCase()}${named.slice(1)}`);
        const meant = /^(Organization|User|Role)(By|Ref)$/.exec(input)?.[1];
        if (meant) return idOf(meant);
        return oneIn(12) ? one(["garbage", ""]) : idOf(one(Object.keys(all)));
      }
      if (type === "UUID") return one([...all[input === "UserBy" ? "User" : "Organization"]!, MISSING]);
      if (type === "Int") return name === "maxDepth" ? one([1, 2, 3]) : one([0, 1, 2, 3, 20]);
      if (type === "DateTime" && /^(from|to)$/.test(name) && facts.events.length > 0)
        return new Date(one(facts.events).row.at as string).toISOString();
      if (type === "DateTime")
        return one(["2026-01-01T00:00:00.000Z", "2126-01-01T00:00:00.000Z", "2127-01-01T00:00:00.000Z"]);
      if (type === "Boolean") return oneIn(2);
      if (type === "JSON") return one(METADATA);
      if (type === "URL") return "https://example.test/x.png";
      if (name === "search") return one(SEARCHES);
      if (name === "actions") return one([...facts.events.map(({ row }) => String(row.action)), "nothing.done"]);
      if (/permission/i.test(name)) return one(PERMISSIONS);
      if (name === "email")
        return one([...facts.users.flatMap(({ email }) => email ?? []), "new@example.test", "other@example.test"]);
      if (name === "slug" && kind === "query") return one([...facts.slugs.map(({ slug }) => slug), "nothing"]);
      if (name === "key" && kind === "query")
        return one(["owner", "admin", "member", "guest", "local", "wide", "nothing"]);
      if (name === "key")
        return input === "RoleRef" ? one(["member", "guest", "local", "wide"]) : `key-${g(fc.nat, { max: 30 })}`;
      if (name === "locale") return "de-AT";
      if (name === "domain") return one(["one.test", "two.test", "gmail.com"]);
      return one(["one", "two", "three", "four", "five"]) + g(fc.nat, { max: 9 });
    },
  };
  return documentOf(schema, kind, choice, one(DEPTHS), g, kind === "mutation" ? one([1, 1, 1, 3]) : undefined);
}
