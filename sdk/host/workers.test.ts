import { beforeAll, expect, test } from "vitest";
import { compileProbe } from "../../test/differential/probe.js";
import { createHost } from "./host.js";

/* What needs more than one worker, configuration or module: with the probe of the differential suite. */
let wasm: Uint8Array;

beforeAll(async () => {
  wasm = await compileProbe("probe");
});

const script = (...lines: string[]): string => lines.join("\n");
const texts = (logs: readonly { message: string }[]): string[] => logs.map(({ message }) => message);

test("shared data is common to the workers", async () => {
  const host = createHost(wasm, {
    workers: 2,
    vmId: "v",
    config: script("request_headers sdget k", "request_headers sdset k seen 0"),
  });
  await host.request({ worker: 0 });
  await host.request({ worker: 1 });
  expect(texts(host.logs).filter((text) => text.startsWith("sdget"))).toEqual(["sdget k -> 1", "sdget k -> 0 seen"]);
  expect(Buffer.from(host.sharedData.get("v", "k")?.value ?? "").toString()).toBe("seen");
  host.close();
});

test("a queue wakes the worker that registered last", async () => {
  const host = createHost(wasm, {
    workers: 3,
    config: script("vm_start qreg q", "request_headers qres - q", "request_headers enq last item", "queue deq last"),
  });
  await host.request({ worker: 0 });
  const woken = host.allLogs.filter(({ message }) => message === "queue" || message.startsWith("deq"));
  expect(woken.map(({ thread, message }) => `${thread}: ${message}`)).toEqual([
    "worker 2: queue",
    "worker 2: deq last -> 0 item",
  ]);
});

test("two configurations in one VM have roots of their own, and vm_start runs for each", async () => {
  const host = createHost(wasm, {
    plugins: [
      { name: "a", config: script("response_headers set 2 x-from a") },
      { name: "b", config: script("response_headers set 2 x-from b") },
    ],
  });
  for (const plugin of ["a", "b", "a"]) {
    const { response } = await host.request({ plugin });
    expect(response?.headers).toContainEqual(["x-from", plugin]);
  }
  expect(host.contextCount()).toBe(2);
  expect(texts(host.logs).filter((text) => text.startsWith("vm_start"))).toHaveLength(2);
  const starts = host.allLogs.filter(({ message }) => message.startsWith("vm_start"));
  expect(starts.map(({ thread }) => thread)).toEqual(["canary", "canary", "main", "main", "worker 0", "worker 0"]);
});

const CALL = "request_headers call auth 250 - :method GET :path /check :authority auth";
const RESUME = ["call eff last", "call cont 0"];

test("a call that the test answers lets the exchange go on", async () => {
  const host = createHost(wasm, {
    config: script(CALL, "request_headers return 4", "call set 0 a b", ...RESUME),
    strict: false,
  });
  const exchange = await host.request({}, () => ({ body: "answer" }));
  expect(exchange.response).toBeUndefined();
  expect(exchange.stream.requestPaused).toBe(true);
  expect(host.httpCall).toMatchObject({ cluster: "auth", timeoutMs: 250 });
  expect(host.httpCall.headers).toContainEqual([":path", "/check"]);
  host.httpCall.respond({ status: 204 });
  await exchange.settled();
  expect(exchange.response?.text).toBe("answer");
  expect(host.calls).toEqual([]);
});

test("a call that nobody answers times out when its time has come", async () => {
  const host = createHost(wasm, { config: script(CALL, "request_headers return 4", "call get 6 :status", ...RESUME) });
  const exchange = await host.request({});
  host.clock.advance(249);
  expect(exchange.response).toBeUndefined();
  host.clock.advance(1);
  await exchange.settled();
  expect(exchange.response?.status).toBe(200);
  expect(texts(host.logs)).toContain("get 6 :status -> 0 504");
  host.close();
});

test("a call that was never answered is a leak", async () => {
  const host = createHost(wasm, { config: script(CALL) });
  await host.request({});
  expect(() => host.close()).toThrow("http call 4 to auth was never answered");
});

test("a gRPC call and a gRPC stream", async () => {
  const host = createHost(wasm, {
    config: script(
      "request_headers@1 grpc auth pkg.Auth Check 100 ask x-m 1",
      "request_headers@0 stream auth pkg.Auth Watch",
      "request_headers@0 send last one 0",
      "grpc_receive buf 5 0 100",
      "grpc_close status",
      "grpc_initial get 4 x-i",
    ),
  });
  await host.request({});
  expect(host.grpcCall).toMatchObject({ service: "pkg.Auth", method: "Check", initialMetadata: [["x-m", "1"]] });
  host.grpcCall.respond("yes");
  await host.request({ method: "POST", body: "b" });
  const stream = host.grpcStream;
  expect(stream.sent.map((bytes) => Buffer.from(bytes).toString())).toEqual(["one"]);
  stream.receiveInitialMetadata({ "x-i": "1" });
  stream.receive("two");
  stream.close(14, "gone");
  expect(texts(host.logs).filter((text) => /^(buf|status|get)/.test(text))).toEqual([
    "buf 5 0 100 -> 0 yes",
    "get 4 x-i -> 0 1",
    "buf 5 0 100 -> 0 two",
    "status  -> 14 0 gone{via_upstream}",
  ]);
  host.close();
});

test("properties of host and exchange, foreign functions, route cache", async () => {
  const host = createHost(wasm, {
    config: script(
      "request_headers prop source%00address",
      "request_headers prop xds%00route_name",
      "request_headers prop custom",
      "request_headers set 0 x-a 1",
      "request_headers foreign clear_route_cache -",
      "request_headers foreign sign text",
    ),
    properties: { custom: "host", xds: { route_name: "default" } },
    foreign: { sign: (argument) => Buffer.from(`signed ${Buffer.from(argument).toString()}`) },
  });
  const { routeCacheClears } = await host.request({
    properties: { "source.address": "10.0.0.1:1", xds: { route_name: "r" } },
  });
  expect(texts(host.logs).filter((text) => /^(prop|foreign)/.test(text))).toEqual([
    "prop source\\x00address -> 0 10.0.0.1:1",
    "prop xds\\x00route_name -> 0 r",
    "prop custom -> 0 host",
    "foreign clear_route_cache  -> 0 ",
    "foreign sign text -> 0 signed text",
  ]);
  expect(routeCacheClears).toEqual(["headers", "call"]);
});

test("two modules in one process share data, queues and metrics", async () => {
  const first = createHost(wasm, {
    vmId: "v",
    config: script("create_root def 0 hits", "request_headers inc 0 1", "request_headers sdset k v 0"),
  });
  const second = createHost(wasm, {
    vmId: "v",
    process: first,
    config: script("create_root def 0 hits", "request_headers inc 0 2", "request_headers sdget k"),
  });
  await first.request({});
  await second.request({});
  expect(second.metrics.value("hits")).toBe(3n);
  expect(texts(second.logs)).toContain("sdget k -> 0 v");
});
