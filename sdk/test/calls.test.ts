import { request } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  cluster,
  httpListener,
  type RunningEnvoy,
  send,
  startEnvoy,
  startUpstream,
  type Upstream,
  wasmFilter,
} from "../../test/envoy-static.js";
import { compilePlugin, formatDiagnostic } from "../build/index.js";
import { type H2Server, h2Cluster, startH2Server } from "./h2.js";

let envoy: RunningEnvoy;
let upstream: Upstream;
let callee: H2Server;
let grpc: H2Server;
/* What the callee holds back until the test says so. */
let held: ServerHttp2Stream[] = [];
const cancelled: string[] = [];

/* Answers to callouts by path. */
function answer(stream: ServerHttp2Stream, path: string, body: string, headers: Record<string, unknown>): void {
  const length = String(body.length);
  if (path === "/slow" || path === "/held") held.push(stream);
  else if (path === "/reset") stream.destroy();
  else if (path === "/unavailable") {
    stream.respond({ ":status": 503, "x-length": length });
    stream.end("out of order");
  } else if (path === "/large") {
    stream.respond({ ":status": 200 });
    stream.end("x".repeat(100_000));
  } else if (path === "/trailers") {
    stream.respond({ ":status": 201, "x-length": length }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-trailer": "t" }));
    stream.end("with trailers");
  } else {
    stream.respond({ ":status": 200, "x-length": length });
    stream.end(`${headers[":method"]} ${headers["x-from"]} ${headers["x-round"] ?? "-"}`);
  }
}

const frame = (text: string): Buffer => {
  const message = Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

/* Echoes each message's text; `forever` is answered every few milliseconds until the stream ends. */
function serveGrpc(stream: ServerHttp2Stream, path: string): void {
  const finish = (status: number, message = ""): void => {
    stream.on("wantTrailers", () => {
      const trailers = { "grpc-status": String(status), "grpc-message": message, "x-trailing": "t" };
      stream.sendTrailers(trailers);
    });
    stream.end();
  };
  let bytes = Buffer.alloc(0);
  let ended = false;
  stream.on("close", () => cancelled.push(path));
  stream.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt32BE(1)) {
      const end = 5 + bytes.readUInt32BE(1);
      const text = bytes.subarray(7, end).toString();
      bytes = bytes.subarray(end);
      if (text === "silent" || ended) continue;
      if (!stream.headersSent) {
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", "x-initial": "i" },
          { waitForTrailers: true },
        );
      }
      if (text === "forever") {
        const timer = setInterval(() => stream.write(frame("again")), 20);
        stream.on("close", () => clearInterval(timer));
      } else if (!path.endsWith("/Fail")) stream.write(frame(`echo ${text}`));
      if (path.endsWith("/Call")) finish(0);
      if (path.endsWith("/Fail")) finish(5, "no such thing");
      ended = !path.endsWith("/Stream");
    }
  });
  stream.on("end", () => {
    if (path.endsWith("/Stream")) finish(0);
  });
}

beforeAll(async () => {
  const built = await compilePlugin({ dir: fileURLToPath(new URL("./plugins/calls", import.meta.url)) });
  if (!built.ok) throw new Error(built.diagnostics.map(formatDiagnostic).join("\n"));
  upstream = await startUpstream((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk));
    req.on("end", () => {
      res.setHeader("x-answer", req.headers["x-answer"] ?? "none");
      res.setHeader("x-path-there", req.headers["x-path-there"] ?? "none");
      res.end(Buffer.concat(chunks));
    });
  });
  callee = await startH2Server((stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => answer(stream, String(headers[":path"]), Buffer.concat(chunks).toString(), headers));
  });
  grpc = await startH2Server((stream, headers) => serveGrpc(stream, String(headers[":path"])));
  const unused = await startUpstream(() => {});
  await unused.stop();
  const listener = (rootId: string) =>
    httpListener({
      name: rootId,
      filters: [wasmFilter({ wasm: built.wasm, rootId, name: rootId, vmId: "calls" })],
      routes: [{ match: { prefix: "/" }, route: { cluster: "up" } }],
    });
  envoy = await startEnvoy({
    resources: {
      clusters: [
        cluster("up", upstream.port),
        h2Cluster(cluster("callee", callee.port)),
        h2Cluster(cluster("grpc", grpc.port)),
        cluster("refused", unused.port),
      ],
      listeners: ["http", "poller", "grpc"].map(listener),
    },
  });
});

afterAll(async () => {
  for (const stream of held) stream.destroy();
  await envoy?.stop();
  await Promise.all([upstream?.stop(), callee?.stop(), grpc?.stop()]);
});

const call = (headers: Record<string, string>, body?: string) =>
  send({
    port: envoy.ports.get("http")!,
    path: "/the/stream",
    headers,
    ...(body === undefined ? {} : { body, method: "POST" }),
  });

async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`it did not happen within a minute; Envoy's log:\n${envoy.log().split("\n").slice(-10).join("\n")}`);
}

async function counter(name: string): Promise<number> {
  return Number(new RegExp(`${name}: (\\d+)`).exec(await envoy.admin(`/stats?filter=${name}`))?.[1] ?? 0);
}

async function active(): Promise<number> {
  return Number(/http\.http\.downstream_rq_active: (\d+)/.exec(await envoy.admin("/stats"))?.[1]);
}

test.each([
  [{ "x-call": "/ok" }, "200|none|POST plugin 1|8|null"],
  [{ "x-call": "/trailers" }, "201|none|with trailers|8|t"],
  [{ "x-call": "/large" }, "200|none|100000|null|null"],
  // A 503 of the server's own is an answer.
  [{ "x-call": "/unavailable" }, "503|none|out of order|8|null"],
  [{ "x-call": "/ok", "x-rounds": "3" }, "200|none|POST plugin 1|8|null"],
])("a call is answered: %o", async (headers, expected) => {
  const { headers: received } = await call(headers);
  expect(received["x-answer"]).toBe(expected);
  expect(received["x-path-there"]).toBe("/the/stream");
});

test.each([
  [{ "x-call": "/ok", "x-cluster": "refused" }, /^503\|unavailable\|/],
  [{ "x-call": "/reset" }, /^503\|unavailable\|/],
  [{ "x-call": "/slow" }, /^504\|timeout\|/],
])("a call fails: %o", async (headers, expected) => {
  expect((await call(headers)).headers["x-answer"]).toMatch(expected);
});

test("a call to a cluster that is not there is not made", async () => {
  const { status, body } = await call({ "x-call": "/ok", "x-cluster": "nowhere" });
  expect({ status, body }).toEqual({ status: 500, body: "no call" });
});

test("a request with a body waits for the call as a whole", async () => {
  const body = "b".repeat(50_000);
  const received = await call({ "x-call": "/ok" }, body);
  expect(received.headers["x-answer"]).toBe("200|none|POST plugin 1|8|null");
  expect(received.body).toBe(body);
});

test("a stream that is gone hears nothing, and the next one is well", async () => {
  const before = await counter("probe_answers");
  held = [];
  const req = request({ host: "127.0.0.1", port: envoy.ports.get("http")!, headers: { "x-call": "/held" } });
  req.on("error", () => {});
  req.end();
  await eventually(() => held.length === 1);
  req.destroy();
  await eventually(async () => (await active()) === 0);
  held[0]!.respond({ ":status": 200 });
  held[0]!.end("too late");
  await eventually(async () => /cluster\.callee\.upstream_rq_active: 0/.test(await envoy.admin("/stats")));
  expect((await call({ "x-call": "/ok" })).headers["x-answer"]).toBe("200|none|POST plugin 1|8|null");
  await eventually(async () => (await counter("probe_answers")) >= before + 1);
  expect(await counter("probe_answers")).toBe(before + 1);
});

test("a root calls by itself", async () => {
  const port = envoy.ports.get("poller")!;
  await eventually(async () => (await send({ port })).body === "GET undefined -");
});

test.each([
  ["/call", 200, "echo hello;closed 0"],
  ["/fail", 200, "closed 5 no such thing{via_upstream}"],
  ["/silent", 200, /^closed 4 /],
  ["/nowhere", 500, "none"],
  ["/stream", 200, "initial i;echo one;echo two;trailing t;closed 0 via_upstream"],
  ["/stream-cancel", 200, "initial i;echo cancel;cancelled"],
])("gRPC: %s", async (path, status, expected) => {
  const received = await send({ port: envoy.ports.get("grpc")!, path });
  expect(received.status).toBe(status);
  const text = received.headers["x-answer"] ?? "none";
  if (typeof expected === "string") expect(text).toBe(expected);
  else expect(text).toMatch(expected);
});

test("a gRPC stream whose owner is gone is cancelled", async () => {
  const before = await counter("probe_grpc_messages");
  const req = request({ host: "127.0.0.1", port: envoy.ports.get("grpc")!, path: "/gone" });
  req.on("error", () => {});
  req.end();
  await eventually(async () => (await counter("probe_grpc_messages")) > before + 2);
  const closed = cancelled.length;
  req.destroy();
  await eventually(() => cancelled.length === closed + 1);
  expect(cancelled.at(-1)).toBe("/probe.Service/Stream");
  expect((await send({ port: envoy.ports.get("grpc")!, path: "/call" })).headers["x-answer"]).toMatch(/^echo hello;/);
});
