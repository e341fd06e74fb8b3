// What was measured, as a table for people and as numbers for programs.
import { cpus, loadavg } from "node:os";
import { kindOf } from "./contenders.mjs";

const BASE = "mercurius";
const MEASURES = ["throughput", "cpu", "p99"];

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The median of a measure over the rounds; `cpu` is that of the gateway and of PostgreSQL together. */
export function measured({ rows }, operation, name, measure) {
  const own = rows.filter((row) => row.operation === operation && row.name === name);
  return own.length === 0
    ? undefined
    : median(own.map((row) => (measure === "cpu" ? row.node + row.server : row[measure])));
}

/** How a measure compares with that of another, in the same run. */
export const ratio = (results, operation, name, measure, base = BASE) =>
  measured(results, operation, name, measure) / measured(results, operation, base, measure);

const rounded = (number) => (Number.isFinite(number) ? Number(number.toFixed(3)) : null);

/**
 * For each operation what the gateway takes, as ratios to Mercurius: for the first kind of home that was measured. Beside them,
 * by their names, those of the other kind and of the other contenders.
 */
export function asJson(results) {
  const { operations, names, statements } = results;
  const of = (operation, name) => ({
    ...Object.fromEntries(MEASURES.map((measure) => [measure, rounded(ratio(results, operation, name, measure))])),
    statements: rounded(statements[`${name} ${operation}`] / statements[`${BASE} ${operation}`]),
  });
  const [first, ...others] = names.filter(kindOf);
  const beside = [...others, ...names.filter((name) => !kindOf(name) && name !== BASE)];
  return Object.fromEntries(
    operations.map((operation) => [
      operation,
      {
        ...(first && of(operation, first)),
        ...Object.fromEntries(beside.map((name) => [name, of(operation, name)])),
      },
    ]),
  );
}

export const machine = ({ version, fsync }, { tenants, rounds, seconds, sender }) =>
  `${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, Node.js ${process.version}, PostgreSQL ${version}, fsync ${fsync}; ` +
  `${tenants} tenants, ${rounds} rounds of ${seconds} s, sent by ${sender}`;

export function table(results) {
  const { operations, names, statements, memory } = results;
  const lines = [];
  for (const operation of operations) {
    lines.push(
      "",
      `**${operation}**`,
      "",
      `| | requests/s | × ${BASE} | p99, ms | × | CPU of the process, ms | of PostgreSQL, ms | together × | statements | bytes |`,
      "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    );
    for (const name of names) {
      const [value, times] = [
        (measure, digits) => cell(measured(results, operation, name, measure), digits),
        (measure) => cell(ratio(results, operation, name, measure), 2),
      ];
      const cells = [
        name,
        value("throughput", 0),
        times("throughput"),
        value("p99", 1),
        times("p99"),
        value("node", 2),
        value("server", 2),
        times("cpu"),
        cell(statements[`${name} ${operation}`], 1),
        value("bytes", 0),
      ];
      lines.push(`| ${cells.join(" | ")} |`);
    }
  }
  return [...lines, ...memoryLines(memory)].join("\n");
}

const cell = (number, digits) => (Number.isFinite(number) ? number.toFixed(digits) : "");

const memoryLines = (memory) => [
  "",
  "| | connections | MB of each | homes that each served as a rule | MB of the process |",
  "|---|--:|--:|--:|--:|",
  ...Object.entries(memory).map(
    ([name, { backends, each, homes, process }]) =>
      `| ${name} | ${backends} | ${cell(each, 1)} | ${homes.toSorted((a, b) => a - b).join(", ")} | ${cell(process, 0)} |`,
  ),
];

/** CPU of a request, of gateway and PostgreSQL together, by how many tenants take turns, or processes serve; the last against the first. */
export function growthTable(rows, { operations, names, sizes, of, memory }) {
  const lines = [
    "",
    `| CPU of a request, ms | ${sizes.map((size) => `${size} ${of}`).join(" | ")} | × |`,
    `|---|${"--:|".repeat(sizes.length + 1)}`,
  ];
  for (const operation of operations)
    for (const name of names) {
      const costs = sizes.map((size) =>
        measured({ rows: rows.filter((row) => row.size === size) }, operation, name, "cpu"),
      );
      lines.push(
        `| ${operation}, ${name} | ${costs.map((ms) => cell(ms, 2)).join(" | ")} | ${cell(costs.at(-1) / costs[0], 2)} |`,
      );
    }
  return [...lines, ...(memory ? memoryLines(memory) : [])].join("\n");
}
