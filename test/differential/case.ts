/** What a case is: plain data, in cases/*.json. */
export interface CaseRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
  trailers?: Record<string, string>;
  /** Time that passes before it. */
  waitMs?: number;
}

export interface CaseResponse {
  status?: number;
  headers?: Record<string, string | string[]>;
  body?: string;
  trailers?: Record<string, string>;
}

export interface Case {
  /** Unique; also the root_id of the probe. `$CASE` in scripts is this name, `$VM` the vm_id. */
  name: string;
  /** In a VM of its own, because ids are compared or the VM traps. Else the probes of all cases share one in Envoy. */
  ownVm?: boolean;
  /** The probe's script. */
  script?: string[];
  /** A plugin of plugins/, instead of the probe, with its configuration. */
  plugin?: string;
  config?: unknown;
  requests?: CaseRequest[];
  /** What the upstream answers. Default: 200 with body "upstream". */
  response?: CaseResponse;
  /** Bytes that a TCP client sends one after the other; it waits for the echo of each unless it begins with "!". */
  tcp?: string[];
  vmConfig?: string;
  env?: Record<string, string>;
  failurePolicy?: "FAIL_CLOSED" | "FAIL_RELOAD" | "FAIL_OPEN";
  /** Shortest time between two loads of a VM. */
  reloadIntervalMs?: number;
  /** allow_on_headers_stop_iteration. Default true. */
  allowStop?: boolean;
  capabilities?: string[];
  /** Simulated time after the requests; Envoy waits until `until` is in its log. */
  advanceMs?: number;
  until?: string;
  bufferLimitBytes?: number;
  /** The client gets no answer: it waits for a short time only. */
  hangs?: boolean;
}

/** What can be compared of a case. */
export interface CaseRecord {
  client: unknown[];
  upstream: unknown[];
  /** Log lines of the main thread (the canary's among them) and of the worker. */
  main: string[];
  worker: string[];
  metrics: Record<string, string>;
}

export type Records = Record<string, CaseRecord>;

export const AUTHORITY = "example.test";
export const CALLOUT_CLUSTERS = ["ok", "refused", "slow", "cut", "grpc"];

/** The configuration text of a case. */
export function configurationOf(one: Case): string {
  if (one.script === undefined) return JSON.stringify(one.config ?? {});
  return one.script.join("\n").replaceAll("$CASE", one.name).replaceAll("$VM", vmIdOf(one));
}

export function vmIdOf({ name, ownVm, plugin, vmConfig, env, capabilities }: Case): string {
  const own = ownVm ?? (plugin ?? vmConfig ?? env ?? capabilities) !== undefined;
  return own ? name : SHARED_VM;
}

/** A log line as it is compared: without ids, where they depend on the other cases in the VM. */
export function shownLog(one: Case, level: string, message: string): string {
  const text = `${level} ${normal(message)}`;
  if (vmIdOf(one) !== SHARED_VM) return text;
  return text.replace(/(-> \d+ (?:token|id)) [1-9]\d*$/, "$1 N").replace(/^(info (?:call|grpc_\w+)) \d+/, "$1 N");
}

/** What a callout to the cluster `ok` is answered with, by its path. */
export function calloutAnswer(path: string): CaseResponse {
  const status = /^\/status\/(\d+)$/.exec(path)?.[1];
  if (status !== undefined) return { status: Number(status), headers: { "x-call": "status" }, body: "" };
  if (path === "/trailers") return { headers: { "x-call": "t" }, body: "body", trailers: { "x-end": "1" } };
  return { headers: { "x-call": path, "x-two": ["a", "b"] }, body: `callout ${path}` };
}

const SHARED_VM = "shared";

const VOLATILE = new Set([
  "connection",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
  "x-envoy-upstream-service-time",
]);
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Headers as `name: value` in their order, without those that depend on time or connection. */
export function shownHeaders(list: readonly (readonly [string, string])[]): string[] {
  return list
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !VOLATILE.has(name))
    .map(([name, value]) => `${name}: ${normal(value)}`);
}

/** Text without what differs from run to run. */
export function normal(text: string): string {
  return text
    .replaceAll(UUID, "UUID")
    .replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replaceAll(/(x-envoy-upstream-service-time=)\d+/g, "$1N");
}
