// Throughput as bars: each contender's against that of Mercurius.
import { ratio } from "./report.mjs";

const COLOURS = {
  floor: "#b8b8b8",
  mercurius: "#7f8fa6",
  postgraphile: "#c59b5f",
  shared: "#2f7d5b",
  schema: "#4fb286",
};
const LABELS = {
  floor: "one statement",
  mercurius: "Mercurius",
  postgraphile: "PostGraphile",
  shared: "Tenantry, SHARED",
  schema: "Tenantry, SCHEMA",
};
const [BAR, GAP, LEFT, WIDTH, TOP] = [16, 22, 60, 560, 70];

export function chart(results) {
  const { operations, names } = results;
  const shown = operations.flatMap((operation) => names.map((name) => ratio(results, operation, name, "throughput")));
  const most = Math.max(...shown.filter(Number.isFinite));
  const x = (times) => LEFT + (WIDTH * times) / most;
  const parts = [];
  let y = TOP;
  for (const operation of operations) {
    parts.push(text(LEFT - 10, y + (BAR * names.length) / 2 + 4, operation, "end"));
    for (const name of names) {
      const times = ratio(results, operation, name, "throughput");
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${(x(times) - LEFT).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[name]}"/>`,
      );
      parts.push(text(x(times) + 5, y + BAR - 5, times.toFixed(2), "start"));
      y += BAR;
    }
    y += GAP;
  }
  const legend = names.map((name, n) => {
    const at = LEFT + n * 140;
    return `<rect x="${at}" y="38" width="12" height="12" fill="${COLOURS[name]}"/>${text(at + 17, 48, LABELS[name] ?? name, "start")}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + 140 * names.length + 60} ${y}" font-family="sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
${text(LEFT, 22, "Requests a second, as times those of Mercurius in the same run (more is better)", "start")}
${[...legend, ...parts].join("\n")}
<line x1="${x(1)}" x2="${x(1)}" y1="${TOP - 6}" y2="${y - GAP}" stroke="#444444" stroke-dasharray="3 3"/>
</svg>
`;
}

const text = (x, y, words, anchor) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="#222222">${words}</text>`;
