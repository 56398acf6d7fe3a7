import { randomUUID } from "node:crypto";
import http from "node:http";
import type { Check } from "./check.js";
import type { DemoContext } from "./demo-context.js";
import { type Reply, send } from "./traffic.js";
import { waitFor } from "./wait.js";

const SPLIT_REQUESTS = 2000;
/** Four standard deviations of a share of 10 % in 2,000 draws. */
const SPLIT_TOLERANCE = 0.027;

export const split: Check = {
  name: "split",
  expected: `v2 gets 10 % ± ${SPLIT_TOLERANCE * 100} of ${SPLIT_REQUESTS}`,
  async run(context) {
    const replies = await many(context, "/", SPLIT_REQUESTS, 16);
    const v2 = replies.filter((reply) => reply.headers["x-backend-version"] === "v2").length;
    const failed = replies.filter((reply) => reply.status !== 200).length;
    const share = v2 / replies.length;
    return {
      observed: `${(share * 100).toFixed(2)} %, ${failed} failed`,
      ok: failed === 0 && Math.abs(share - 0.1) <= SPLIT_TOLERANCE,
    };
  },
};

export const canary: Check = {
  name: "canary",
  expected: "100 of 100 with x-canary: always go to v2",
  async run(context) {
    const replies = await many(context, "/", 100, 8, { "x-canary": "always" });
    const v2 = replies.filter((reply) => reply.status === 200 && reply.headers["x-backend-version"] === "v2").length;
    return { observed: `${v2} of ${replies.length}`, ok: v2 === replies.length };
  },
};

const FLAKY_REQUESTS = 60;

/** One after the other, so that the third request that fails is followed by its own retry. */
export async function flakyFailures(context: DemoContext): Promise<number> {
  const replies = await many(context, "/flaky", FLAKY_REQUESTS, 1);
  return replies.filter((reply) => reply.status !== 200).length;
}

export const retry: Check = {
  name: "retry",
  expected: `backend fails every third of ${FLAKY_REQUESTS}, the client sees only 200`,
  async run(context) {
    const before = await retries(context);
    const failed = await flakyFailures(context);
    const sentAgain = (await retries(context)) - before;
    return { observed: `${failed} failed, ${sentAgain} retries`, ok: failed === 0 && sentAgain > 0 };
  },
};

/** Retries that frontend's sidecar has sent to backend. */
async function retries(context: DemoContext): Promise<number> {
  const series = await scrape(context, "frontend");
  return series
    .filter(
      ({ name, labels }) =>
        name === "envoy_cluster_upstream_rq_retry" && labels.envoy_cluster_name?.includes("backend"),
    )
    .reduce((sum, { value }) => sum + value, 0);
}

const LIMIT = 10;

export const rateLimit: Check = {
  name: "rate-limit",
  expected: `exactly ${LIMIT} of 15 admitted, then 429 with Retry-After`,
  async run(context) {
    const replies = await many(context, "/limited", 15, 1, { "x-user": randomUUID() });
    const statuses = replies.map((reply) => reply.status);
    const admitted = statuses.filter((status) => status === 200).length;
    const rejected = replies.slice(LIMIT);
    const told = rejected.filter((reply) => reply.status === 429 && Number(reply.headers["retry-after"]) > 0).length;
    return {
      observed: `${admitted} admitted, then ${told} times 429 with Retry-After ${rejected[0]?.headers["retry-after"] ?? "-"} s`,
      ok: statuses.slice(0, LIMIT).every((status) => status === 200) && admitted === LIMIT && told === 5,
    };
  },
};

const COUNTED = 50;

export const metrics: Check = {
  name: "metrics",
  expected: `${COUNTED} requests more in istio_requests_total, with who called whom`,
  async run(context) {
    const count = async () =>
      (await scrape(context, "frontend"))
        .filter(({ name, labels }) => name === "istio_requests_total" && isToBackend(labels))
        .reduce((sum, { value }) => sum + value, 0);
    const before = await count();
    await many(context, "/", COUNTED, 4);
    // Envoy writes access logs, and so these series, a moment after the answer.
    const after = await waitFor("the series", async () => {
      const now = await count();
      return now - before >= COUNTED ? now : undefined;
    }).catch(() => count());
    return {
      observed: `${after - before} more with reporter="source", source_workload="frontend", destination_service="backend…", response_code="200"`,
      ok: after - before === COUNTED,
    };
  },
};

function isToBackend(labels: Readonly<Record<string, string>>): boolean {
  return (
    labels.reporter === "source" &&
    labels.source_workload === "frontend" &&
    (labels.destination_service ?? "").startsWith("backend.default") &&
    labels.response_code === "200"
  );
}

export const mtls: Check = {
  name: "mtls",
  expected: "auth refuses plaintext, and knows backend by its certificate",
  async run(context) {
    const plaintext = await send(context.target("auth", "/check")).then(
      (reply) => `answered ${reply.status}`,
      (error: Error) => `refused (${"code" in error ? error.code : error.message})`,
    );
    const { address } = context.workload("backend-v1");
    const viaMesh = await send({
      host: address,
      port: 15001,
      path: "/check",
      headers: { host: "auth.default.svc.cluster.local:8080" },
    });
    const caller = /URI=(spiffe:[^;,\s]+)/.exec(viaMesh.body)?.[1];
    return {
      observed: `plaintext ${plaintext}; through the mesh ${viaMesh.status} as ${caller ?? "nobody"}`,
      ok: plaintext.startsWith("refused") && caller === "spiffe://cluster.local/ns/default/sa/backend",
    };
  },
};

/** Requests through frontend, so many at a time, in order of their answers. */
async function many(
  context: DemoContext,
  path: string,
  count: number,
  concurrency: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const replies: Reply[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next++;
      replies.push(await send({ ...context.target("frontend", path), headers, agent }));
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    agent.destroy();
  }
  return replies;
}

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a sidecar shows to Prometheus. */
async function scrape(context: DemoContext, workload: string): Promise<Series[]> {
  const { address } = context.workload(workload);
  const { body, status } = await send({ host: address, port: 15090, path: "/stats/prometheus" });
  if (status !== 200) throw new Error(`${address}:15090 answered ${status}`);
  return body.split("\n").flatMap((line) => {
    const found = /^([a-zA-Z_:][\w:]*)\{(.*)\} ([-+.\deE]+|NaN|Inf)$/.exec(line);
    if (found === null) return [];
    const labels = [...(found[2] ?? "").matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(
      ([, name, value]) => [name ?? "", value ?? ""] as const,
    );
    return [{ name: found[1] ?? "", labels: Object.fromEntries(labels), value: Number(found[3]) }];
  });
}
