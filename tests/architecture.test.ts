import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const SRC = join(import.meta.dirname, "..", "src");

/** From the top down: what stands here imports from its own line and from those below it. */
const FLOORS = [
  ["main.ts"],
  ["commands"],
  ["operators"],
  ["server.ts"],
  ["contexts.ts"],
  ["schema.ts"],
  ["features"],
  ["graphql"],
  ["identity"],
  ["tenancy"],
  ["database"],
  ["access"],
  ["ids.ts"],
];
/** What a process is started with: settings and the product's catalogue. Rooms take values, not settings. */
const SETTINGS = ["config.ts", "settings.ts", "product.ts"];
const SETTINGS_MAY_USE = ["graphql", "identity", "database", "access"];

/** Each adds to those before it and knows none after. */
const FEATURES = [
  "audit",
  "mail",
  "users",
  "organizations",
  "roles",
  "memberships",
  "invitations",
  "joining",
  "holders",
  "tree",
  "auditEvents",
  "checks",
  "tenants",
  "ownership",
  "imports",
];

const MOST_LINES = 250;

interface Source {
  /** `features/users/type.ts` */
  readonly path: string;
  readonly text: string;
  /** Files of ours that it imports, by path. */
  readonly imports: readonly string[];
}

const SOURCES: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => {
    const text = readFileSync(join(SRC, path), "utf8");
    return { path, text, imports: importsOf(path, text) };
  });

function importsOf(path: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*"(\.[^"]+)"/g)].map(
    ([, specifier]) => specifier!,
  );
  return specifiers.map((specifier) => {
    const target = relative(SRC, join(SRC, dirname(path), specifier));
    return target.replace(/\.js$/, ".ts");
  });
}

const room = (path: string): string => path.split("/")[0]!;
const floor = (path: string): number => FLOORS.findIndex((names) => names.includes(room(path)));
const isSettings = (path: string): boolean => SETTINGS.includes(path);

/** Every import that the check objects to, as `from -> to`. */
const imports = (objects: (from: string, to: string) => boolean): string[] =>
  SOURCES.flatMap(({ path, imports }) => imports.filter((to) => objects(path, to)).map((to) => `${path} -> ${to}`));

describe("src", () => {
  it("is made of the folders that the architecture names, and of no other", () => {
    const rooms = [...new Set(SOURCES.map(({ path }) => room(path)))].filter((name) => !isSettings(name));

    expect(rooms.sort()).toEqual(FLOORS.flat().sort());
  });

  it("imports files that are there", () => {
    const paths = new Set(SOURCES.map(({ path }) => path));

    expect(imports((_, to) => !paths.has(to))).toEqual([]);
    expect(SOURCES.flatMap((source) => source.imports).length).toBeGreaterThan(SOURCES.length);
  });

  it("imports downwards only", () => {
    expect(imports((from, to) => !isSettings(from) && !isSettings(to) && floor(to) < floor(from))).toEqual([]);
  });

  it("keeps the settings to those who start something", () => {
    const mayRead = (path: string) => isSettings(path) || floor(path) <= floor("server.ts");

    expect(imports((from, to) => isSettings(to) && !mayRead(from))).toEqual([]);
    expect(imports((from, to) => isSettings(from) && !isSettings(to) && !SETTINGS_MAY_USE.includes(room(to)))).toEqual(
      [],
    );
  });

  it("has no two files that need each other, even through others", () => {
    const byPath = new Map(SOURCES.map((source) => [source.path, source]));
    const rounds: string[] = [];
    const done = new Set<string>();
    const walk = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path)) rounds.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      else if (!done.has(path)) {
        for (const next of byPath.get(path)?.imports ?? []) walk(next, [...trail, path]);
        done.add(path);
      }
    };
    for (const { path } of SOURCES) walk(path, []);

    expect(rounds).toEqual([]);
  });

  it("writes SQL's names and raw text where pages are put in order and read, and nowhere else", () => {
    const files = SOURCES.filter(({ text }) => /\bsql\.(raw|identifier)\b/.test(text)).map(({ path }) => path);

    expect(files.sort()).toEqual(["graphql/order.ts", "graphql/way.ts"]);
  });

  it("opens no transaction of the driver's or of drizzle's, which outlive the session they began in", () => {
    const files = SOURCES.filter(({ text }) => /\.(transaction|begin|savepoint|reserve)\s*(<[^>]*>)?\(/.test(text));

    expect(files.map(({ path }) => path)).toEqual([]);
  });

  it("makes clients in the room of the database only, each with a single connection", () => {
    const files = SOURCES.filter(({ text }) => /^import (?!type\b).*from "postgres"/m.test(text));

    expect(files.map(({ path }) => path)).toContain("database/client.ts");
    expect(files.map(({ path }) => room(path)).filter((name) => name !== "database")).toEqual([]);
    for (const { text } of files) expect(text).toMatch(/\bmax: 1,/);
  });

  it(`has no file of more than ${MOST_LINES} lines`, () => {
    const long = SOURCES.map(({ path, text }) => [path, text.split("\n").length - 1] as const);

    expect(long.filter(([, lines]) => lines > MOST_LINES)).toEqual([]);
  });

  it("assigns no function to a property where it is written: V8 makes it among what is old, and it keeps all that it can reach", () => {
    const assigned = /\.#?\w+ (?:\?\?|\|\|)?= (?:async )?(?:function\b|\([^()]*\)(?:: [\w<>[\] |]+)? =>|\w+ =>)/;

    expect(assigned.test("this.resolve = (value) => tell(value);")).toBe(true);
    expect(SOURCES.filter(({ text }) => assigned.test(text)).map(({ path }) => path)).toEqual([]);
  });

  it("holds no conflict that was not resolved", () => {
    const marked = SOURCES.filter(({ text }) => /^.{0,3}(<{7}|>{7}) /m.test(text));

    expect(marked.map(({ path }) => path)).toEqual([]);
  });

  it("has no default exports", () => {
    expect(SOURCES.filter(({ text }) => /^export default\b/m.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe("features", () => {
  const featureOf = (path: string): number => (room(path) === "features" ? FEATURES.indexOf(path.split("/")[1]!) : -1);

  it("are those that stand in order here", () => {
    const found = SOURCES.filter(({ path }) => room(path) === "features").map(({ path }) => path.split("/")[1]!);

    expect([...new Set(found)].sort()).toEqual([...FEATURES].sort());
  });

  it("import only from features before them", () => {
    expect(imports((from, to) => featureOf(from) >= 0 && featureOf(to) > featureOf(from))).toEqual([]);
  });

  it("are known to the schema, the server, the operators' door and the commands, and to no room", () => {
    expect(imports((from, to) => room(to) === "features" && floor(from) > floor("features"))).toEqual([]);
  });

  it("come in the schema in the same order", () => {
    const text = SOURCES.find(({ path }) => path === "schema.ts")!.text;
    const order = [...text.matchAll(/^import "\.\/features\/(\w+)\//gm)].map(([, feature]) =>
      FEATURES.indexOf(feature!),
    );

    expect(order.length).toBeGreaterThan(0);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });
});
