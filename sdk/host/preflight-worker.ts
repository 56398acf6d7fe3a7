/* The thread of a pre-flight. Its parent waits for messages, or ends it. */
import { parentPort, workerData } from "node:worker_threads";
import { HostError } from "./errors.js";
import type { ExchangeRequest } from "./exchange.js";
import { createHost, type Host } from "./host.js";
import { loadModule } from "./module.js";
import { MAX_LOG_LENGTH, MAX_LOGS, type PreflightMessage, type PreflightTask } from "./preflight.js";
import type { LogEntry } from "./services.js";

const REQUESTS: readonly ExchangeRequest[] = [
  { path: "/" },
  { method: "POST", path: "/preflight?a=1", headers: { "content-type": "text/plain" }, body: ["pre", "flight"] },
  { method: "POST", body: "preflight", trailers: { "x-preflight": "1" } },
];

let sent = 0;

function sendLog({ message, ...rest }: LogEntry): void {
  if (sent++ < MAX_LOGS) send({ log: { ...rest, message: message.slice(0, MAX_LOG_LENGTH) } });
}

function send(message: PreflightMessage): void {
  parentPort?.postMessage(message);
}

async function run({ options, callMs, memoryBytes }: PreflightTask): Promise<void> {
  const { wasm, ...rest } = options;
  if (loadModule(wasm).hasStartSection) {
    throw new HostError("MODULE", "the module has a start section, which can crash Envoy; compile it without one");
  }
  const host = createHost(wasm, {
    ...rest,
    strict: false,
    limits: { callMs, memoryBytes, logEntries: MAX_LOGS },
    onLog: sendLog,
  });
  const broken = host.violations[0];
  if (broken !== undefined) throw new HostError("CONFIGURE", broken.message);
  for (const request of REQUESTS) await exchange(host, request);
  reply(host);
  host.clock.advance(1000);
  host.close();
  const bad = host.violations.find(({ kind }) => kind === "trap" || kind === "crash");
  if (bad === undefined) send({ done: true });
  else send({ failure: { code: "STREAM", message: bad.message } });
}

async function exchange(host: Host, request: ExchangeRequest): Promise<void> {
  const result = await host.request(request, () => ({ body: "preflight", trailers: { "x-preflight": "1" } }));
  // Whatever it wants to call is not there.
  for (const call of host.calls) if (call.kind === "http") call.fail();
  await result.settled();
  result.stream.close();
}

/* A response that is Envoy's own. */
function reply(host: Host): void {
  const stream = host.http();
  stream.requestHeaders({ ":authority": "example.test", ":path": "/", ":method": "GET", ":scheme": "http" });
  if (!stream.closed) stream.routerReply(404, "route_not_found");
  stream.close();
}

run(workerData as PreflightTask).catch((error: unknown) => {
  const code = error instanceof HostError ? error.code : "USAGE";
  send({ failure: { code, message: error instanceof Error ? error.message : String(error) } });
});
