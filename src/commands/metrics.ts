import type { ServerResponse } from "node:http";
import type { Sealer } from "../features/audit/sealer.js";
import type { Gateway } from "../server.js";

/** In seconds: from a small query to the time limit of a request. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, Number.POSITIVE_INFINITY];

/** The status of what nobody waited for: no answer has it, and others call it so, nginx first. */
export const GONE = 499;

/** What became of the requests to `/graphql` that this process was sent. */
export class Requests {
  /** By the status of the answer. */
  readonly byStatus = new Map<number, number>();
  /** How many took no longer than each bucket, and longer than the one before. */
  readonly #took = BUCKETS.map(() => 0);
  #seconds = 0;

  /** @param ms from when its headers were read to when its answer was written */
  count(status: number, ms: number): void {
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
    const seconds = ms / 1000;
    this.#seconds += seconds;
    this.#took[BUCKETS.findIndex((bucket) => seconds <= bucket)]!++;
  }

  /** As a histogram of Prometheus. */
  *samples(): Generator<Sample> {
    let count = 0;
    for (const [nth, bucket] of BUCKETS.entries()) {
      count += this.#took[nth]!;
      yield ["_bucket", { le: bucket === Number.POSITIVE_INFINITY ? "+Inf" : String(bucket) }, count];
    }
    yield ["_sum", {}, this.#seconds];
    yield ["_count", {}, count];
  }
}

/** What stands behind the metric's name, its labels, and its value. */
type Sample = readonly [suffix: string, labels: Readonly<Record<string, string>>, value: number];

export interface Measured {
  readonly gateway: Pick<Gateway, "counts">;
  readonly sealer: Pick<Sealer, "unsealedMs" | "made">;
  readonly requests: Requests;
}

/** Sends numbers of this process alone, in the text format of Prometheus. No tenant is named, and nobody in one. */
export function sendMetrics(response: ServerResponse, { gateway, sealer, requests }: Measured): void {
  const { repeated, short, errors, connections } = gateway.counts();
  const pools = Object.entries(connections);
  const text = [
    metric(
      "requests_total",
      "counter",
      "Requests to /graphql, by the status of their answer.",
      [...requests.byStatus].map(([status, count]) => ["", { status: String(status) }, count]),
    ),
    metric("request_seconds", "histogram", "How long requests to /graphql took.", [...requests.samples()]),
    metric(
      "errors_total",
      "counter",
      "Errors in answers, by their code.",
      [...errors].map(([code, count]) => ["", { code }, count]),
    ),
    metric(
      "connections",
      "gauge",
      "Connections to PostgreSQL: to tenants' homes (serve) and to the directory (door).",
      pools.flatMap(([pool, { open, idle }]) => [
        ["", { pool, state: "busy" }, open - idle],
        ["", { pool, state: "idle" }, idle],
      ]),
    ),
    metric(
      "connection_waiters",
      "gauge",
      "Requests that wait for one of those connections.",
      pools.map(([pool, { waiting }]) => ["", { pool }, waiting]),
    ),
    metric(
      "audit_unsealed_seconds",
      "gauge",
      "How long the oldest audit event of this process has waited for its seal.",
      [["", {}, sealer.unsealedMs / 1000]],
    ),
    metric("audit_seals_total", "counter", "Seals of audits that this process has made.", [["", {}, sealer.made]]),
    metric(
      "repeated_answers_total",
      "counter",
      "Queries that were read again, and answered with what was made of the same rows before.",
      [["", {}, repeated]],
    ),
    metric("short_answers_total", "counter", "Those of them that were asked byte for byte as before.", [
      ["", {}, short],
    ]),
  ].join("");
  response.writeHead(200, {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(text);
}

function metric(name: string, type: "counter" | "gauge" | "histogram", help: string, samples: readonly Sample[]) {
  const full = `tenantry_${name}`;
  const lines = samples.map(([suffix, labels, value]) => `${full}${suffix}${labelled(labels)} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

/** Labels are words of ours: nothing in them needs an escape. */
function labelled(labels: Sample[1]): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length > 0 ? `{${pairs.join(",")}}` : "";
}
