/* Runs the cases in the host. */
import type * as HostModule from "@weft/sdk/host";
import {
  AUTHORITY,
  CALLOUT_CLUSTERS,
  type Case,
  type CaseRecord,
  type CaseRequest,
  calloutAnswer,
  configurationOf,
  type Records,
  shownHeaders,
  shownLog,
  vmIdOf,
} from "./case.js";

type HostApi = typeof HostModule;
type Host = HostModule.Host;

export async function runInHost(
  api: HostApi,
  cases: readonly Case[],
  modules: Map<string, Uint8Array>,
): Promise<Records> {
  const records: Records = {};
  for (const one of cases) records[one.name] = await runCase(api, one, modules.get(one.plugin ?? "probe")!);
  return records;
}

/* What test/envoy-static.ts gives Envoy. */
const NODE_ID = "sidecar~127.0.0.1~frontend-1.default~default.svc.cluster.local";

async function runCase(api: HostApi, one: Case, wasm: Uint8Array): Promise<CaseRecord> {
  const host = await api.load(wasm, {
    name: one.name,
    rootId: one.plugin ?? one.name,
    vmId: vmIdOf(one),
    config: configurationOf(one),
    clusters: [...CALLOUT_CLUSTERS, "up"],
    strict: false,
    logLevel: "info",
    allowOnHeadersStopIteration: one.allowStop ?? true,
    failurePolicy: one.failurePolicy ?? "FAIL_RELOAD",
    properties: { xds: { cluster_name: "up", route_name: "", virtual_host_name: one.name, node: { id: NODE_ID } } },
    ...(one.reloadIntervalMs === undefined ? {} : { reloadIntervalMs: one.reloadIntervalMs }),
    ...(one.vmConfig === undefined ? {} : { vmConfig: one.vmConfig }),
    ...(one.env === undefined ? {} : { env: one.env }),
    ...(one.capabilities === undefined ? {} : { capabilities: one.capabilities }),
    ...(one.bufferLimitBytes === undefined ? {} : { limits: { bufferBytes: one.bufferLimitBytes } }),
  });
  const record: CaseRecord = { client: [], upstream: [], main: [], worker: [], metrics: {} };
  for (const request of one.requests ?? []) await exchange(host, one, request, record);
  if (one.tcp !== undefined) connection(host, one.tcp, record);
  if (one.advanceMs !== undefined) host.clock.advance(one.advanceMs);
  answerAll(host);
  host.close();
  for (const { level, message, thread, plugin } of host.allLogs) {
    if (thread === "base" || plugin === undefined) continue;
    record[thread.startsWith("worker") ? "worker" : "main"].push(shownLog(one, level, message));
  }
  // All plugins of one Envoy share its metrics: only those that name their case are compared.
  const own = Object.entries(host.metrics.all()).filter(([name]) => name.startsWith(`${one.name}_`));
  for (const [name, value] of own) {
    record.metrics[name] = typeof value === "bigint" ? String(value) : `${value.length} samples`;
  }
  return record;
}

async function exchange(host: Host, one: Case, request: CaseRequest, record: CaseRecord): Promise<void> {
  host.clock.advance(request.waitMs ?? 0);
  const result = await host.request({ ...request, authority: AUTHORITY }, (seen) => {
    record.upstream.push({
      request: `${seen.method} ${seen.path} ${seen.authority}`,
      headers: shownHeaders(seen.headers),
      body: Buffer.from(seen.body).toString("latin1"),
      trailers: shownHeaders(seen.trailers ?? []),
    });
    return one.response ?? { body: "upstream" };
  });
  do await result.settled();
  while (answerAll(host));
  await result.settled();
  const { response } = result;
  if (response === undefined) {
    const hung = !result.reset && !result.finished;
    record.client.push(hung ? "no answer" : "reset");
    if (hung) result.stream.close();
    return;
  }
  record.client.push({
    status: response.status,
    headers: shownHeaders(response.headers),
    body: Buffer.from(response.body).toString("latin1"),
    trailers: shownHeaders(response.trailers ?? []),
  });
}

function answerAll(host: Host): boolean {
  const open = host.allCalls.filter((call) => !call.done);
  for (const call of open) if (!call.done) answer(host, call);
  return open.length > 0;
}

function answer(host: Host, call: HostModule.Call): void {
  if (call.kind === "http") {
    const path = call.headers.find(([name]) => name === ":path")?.[1] ?? "";
    if (call.cluster === "refused") call.fail();
    else if (call.cluster === "slow") host.clock.advance(call.timeoutMs);
    else if (call.cluster === "cut") call.reset();
    else {
      const { status, headers = {}, body = "", trailers } = calloutAnswer(path);
      const framing =
        trailers === undefined ? { "content-length": String(body.length) } : { "transfer-encoding": "chunked" };
      call.respond({
        ...(status === undefined ? {} : { status }),
        headers: { ...headers, ...framing },
        body,
        ...(trailers === undefined ? {} : { trailers }),
      });
    }
    return;
  }
  if (call.kind === "grpc") {
    if (call.method === "Fail") call.fail(9, "not now");
    else call.respond(Buffer.concat([Buffer.from("re:"), call.message]));
    return;
  }
  call.receiveInitialMetadata({ ":status": "200", "content-type": "application/grpc", "x-initial": "1" });
  for (const message of [...call.sent]) if (!call.done) call.receive(Buffer.concat([Buffer.from("re:"), message]));
  if (call.done) return;
  call.receiveTrailingMetadata({ "grpc-status": "0", "x-trailing": "1" });
  if (!call.done) call.close(0);
}

function connection(host: Host, parts: readonly string[], record: CaseRecord): void {
  const stream = host.tcp();
  let echoed = 0;
  const send = (part: string, endOfStream: boolean): void => {
    if (stream.closed) return;
    stream.downstreamData(part, { endOfStream });
    answerAll(host);
    const echo = stream.toUpstream.subarray(echoed);
    echoed = stream.toUpstream.length;
    if (echo.length > 0 && !stream.closed) stream.upstreamData(echo);
  };
  for (const part of parts) send(part.replace(/^!/, ""), false);
  send("", true);
  // The echo server ends its side when the client has ended its own, and Envoy closes.
  if (!stream.closed) stream.upstreamData("", { endOfStream: true });
  if (!stream.closed) stream.close("local");
  record.client.push(Buffer.from(stream.toClient).toString("latin1"));
}
