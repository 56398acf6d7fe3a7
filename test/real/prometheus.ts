/*
 * A Prometheus of its own for a test, from the system's packages: on loopback, with its data in a temporary folder.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findProgram, LOOPBACK, startProgram } from "./process.js";

/** `undefined` where Prometheus can be run here, else why not: the reason of tests that are skipped. */
export function prometheusMissing(): string | undefined {
  return findProgram("prometheus") === undefined
    ? "no prometheus on the path: install the package `prometheus`"
    : undefined;
}

export interface ScrapeTarget {
  /** Label `job` of everything that is scraped here. */
  readonly job: string;
  readonly port: number;
  /** Default `/metrics`; Envoy's admin interface has `/stats/prometheus`. */
  readonly path?: string;
  /** Labels to add. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  readonly scrapeTargets: readonly ScrapeTarget[];
  /** Default 500. */
  readonly scrapeIntervalMs?: number;
}

/** One element of an instant vector; `labels` has the metric's name as `__name__`. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface RunningPrometheus {
  readonly port: number;
  /**
   * The instant vector of a PromQL expression now, in the order of its labels; a scalar is one sample without labels.
   * Rejects with Prometheus' own words where the expression is wrong.
   */
  query(promql: string): Promise<Sample[]>;
  /** Waits until every target has been scraped, without error, after this call began. */
  scraped(): Promise<void>;
  /** What it has printed so far. */
  log(): string;
  stop(): Promise<void>;
}

const SCRAPE_LIMIT_MS = 120_000;

/** Starts Prometheus and waits until it answers queries. Rejects, with its output, where it does not start. */
export async function startPrometheus({
  scrapeTargets,
  scrapeIntervalMs = 500,
}: PrometheusOptions): Promise<RunningPrometheus> {
  const command = findProgram("prometheus");
  if (command === undefined) throw new Error(prometheusMissing());
  const { program, value: port } = await startProgram(1, async ([port = 0], dir) => {
    const config = join(dir, "prometheus.json");
    await writeFile(config, JSON.stringify(configuration(scrapeTargets, scrapeIntervalMs)));
    const args = [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(dir, "data")}`,
      `--web.listen-address=${LOOPBACK}:${port}`,
      "--log.level=warn",
    ];
    return {
      launch: { command, args, ready: async () => (await fetch(`http://${LOOPBACK}:${port}/-/ready`)).ok },
      value: port,
    };
  });
  const query = (promql: string): Promise<Sample[]> => ask(port, promql);
  return {
    port,
    query,
    scraped: () => untilScraped(port, scrapeTargets.length, program.log),
    log: program.log,
    stop: program.stop,
  };
}

/* JSON is YAML. */
function configuration(targets: readonly ScrapeTarget[], scrapeIntervalMs: number): object {
  const byJob = new Map<string, object>();
  for (const { job, port, path = "/metrics", labels = {} } of targets) {
    if (byJob.has(job)) throw new Error(`two scrape targets have the job ${job}`);
    byJob.set(job, {
      job_name: job,
      metrics_path: path,
      static_configs: [{ targets: [`${LOOPBACK}:${port}`], labels }],
    });
  }
  const interval = `${scrapeIntervalMs}ms`;
  return {
    // A scrape may take longer than a busy machine's interval; Prometheus wants the timeout no longer than that.
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [...byJob.values()],
  };
}

type QueryAnswer =
  | { status: "error"; errorType: string; error: string }
  | { status: "success"; data: { resultType: "scalar"; result: [number, string] } }
  | {
      status: "success";
      data: { resultType: "vector"; result: { metric: Record<string, string>; value: [number, string] }[] };
    }
  | { status: "success"; data: { resultType: "matrix" | "string" } };

async function ask(port: number, promql: string): Promise<Sample[]> {
  const answer = await fetch(`http://${LOOPBACK}:${port}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query: promql }),
  });
  const json = (await answer.json()) as QueryAnswer;
  if (json.status === "error") throw new Error(`${promql}: ${json.error}`);
  if (json.data.resultType === "scalar") return [{ labels: {}, value: toNumber(json.data.result[1]) }];
  if (json.data.resultType !== "vector")
    throw new Error(`${promql} is a ${json.data.resultType}, not an instant vector`);
  return json.data.result
    .map(({ metric, value }) => ({ labels: metric, value: toNumber(value[1]), order: JSON.stringify(metric) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))
    .map(({ labels, value }) => ({ labels, value }));
}

/* Prometheus writes infinity as Go does. */
function toNumber(text: string): number {
  return text.endsWith("Inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

interface Targets {
  data: { activeTargets: { health: string; lastScrape: string; lastError: string; scrapePool: string }[] };
}

async function untilScraped(port: number, count: number, log: () => string): Promise<void> {
  const begun = Date.now();
  let seen = "";
  while (Date.now() - begun < SCRAPE_LIMIT_MS) {
    const answer = await fetch(`http://${LOOPBACK}:${port}/api/v1/targets?state=active`);
    const { data } = (await answer.json()) as Targets;
    const done = data.activeTargets.filter((target) => target.health === "up" && Date.parse(target.lastScrape) > begun);
    if (done.length === count) return;
    seen = data.activeTargets.map((t) => `${t.scrapePool}: ${t.health} ${t.lastError}`).join("\n");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not all targets were scraped within ${SCRAPE_LIMIT_MS} ms:\n${seen}\n${log()}`);
}
