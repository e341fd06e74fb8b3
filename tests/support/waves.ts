import type { Shape } from "../../src/tenancy/migrations/shape.js";

/**
 * What a migration does that a gateway of the version before could stumble over: it names columns, never `*`, and writes
 * those that it knows. `[]` when it may go on serving the home.
 */
export function stumblesOver(before: Shape, after: Shape): string[] {
  const isOfTable = (name: string) => name.startsWith("table ") || name.startsWith("column ");
  const changed = [...before].flatMap(([name, definition]) => {
    const now = after.get(name);
    if (name.startsWith("the rights on ")) return rightsLost(name, definition, now ?? "");
    if (!isOfTable(name) || now === definition) return [];
    // Whoever wrote a value goes on writing it.
    if (now !== undefined && now === definition.replace(" not null", "")) return [];
    return `${name} was (${definition}) and is (${now ?? "gone"})`;
  });
  const wanted = [...after].flatMap(([name, definition]) => {
    const [, table] = /^column (\w+)\./.exec(name) ?? [];
    const isNew = table !== undefined && before.has(`table ${table}`) && !before.has(name);
    return isNew && definition.includes(" not null") && !definition.includes(" default ")
      ? `${name} is new and wants a value`
      : [];
  });
  const bound = [...after.keys()].filter((name) => name.startsWith("constraint ") && !before.has(name));
  const onOld = bound.filter((name) => before.has(`table ${name.split(" ")[1]!.split(".")[0]}`));
  return [...changed, ...wanted, ...onOld.map((name) => `${name} is new, on a table that is written to`)].sort();
}

/** `serve=arw/owner other=r/owner`: the letters that somebody no longer has. */
function rightsLost(name: string, before: string, after: string): string[] {
  const rightsOf = (acl: string) =>
    new Map(
      acl
        .split(" ")
        .filter(Boolean)
        .map((item) => [item.split("=")[0]!, item.split("=")[1]!.split("/")[0]!] as const),
    );
  const now = rightsOf(after);
  return [...rightsOf(before)].flatMap(([who, letters]) => {
    const lost = [...letters].filter((letter) => !(now.get(who) ?? "").includes(letter));
    return lost.length > 0 ? `${who} lost ${lost.join("")} of ${name}` : [];
  });
}
