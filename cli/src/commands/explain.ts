import { resolve } from "node:path";
import { explain } from "@weft/control-plane/explain/explain";
import { mayBeHttp, type Service, serviceHost } from "@weft/control-plane/model/service";
import type { Snapshot } from "@weft/control-plane/model/snapshot";
import { MeshError } from "../mesh/mesh-error.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import { explanationText } from "./explain-text.js";
import { readFolder } from "./translate.js";

export interface ExplainFlags {
  /** Folder with the YAML of the mesh. */
  readonly file: string;
  readonly output: OutputFormat;
  /** The WorkloadEntry that asks. */
  readonly from: string;
  /** What it asks: a host, or `<namespace>/<Service>`, with or without `:<port>`. */
  readonly to: string;
  readonly path: string;
  readonly method: string;
  /** `name: value` each. */
  readonly header: readonly string[];
}

/** `weft explain`: what becomes of a request, by the configuration that proxies would be served. Returns the exit code. */
export async function explainRequest(flags: ExplainFlags): Promise<number> {
  const folder = resolve(flags.file);
  const { snapshot } = await readFolder(folder);
  const key = flags.from.includes("/") ? flags.from : `default/${flags.from}`;
  const caller = snapshot.workloads.get(key);
  if (caller === undefined || !caller.hasSidecar) {
    const known = [...snapshot.workloads].flatMap(([name, { hasSidecar }]) => (hasSidecar ? [name] : [])).sort();
    throw new MeshError(
      "no-workload",
      `${folder} has no WorkloadEntry ${key} with a sidecar; there ${known.length === 0 ? "is none" : `are ${known.join(", ")}`}`,
    );
  }
  const { name, port: given } = target(flags.to);
  const service = serviceOf(snapshot, name, caller.namespace);
  const [only, ...others] = service?.ports.filter(({ protocol }) => mayBeHttp(protocol)) ?? [];
  const port = given ?? (others.length === 0 ? only?.port : undefined) ?? 80;
  const called = service?.ports.find((candidate) => candidate.port === port);
  if (called !== undefined && !mayBeHttp(called.protocol))
    throw new MeshError(
      "no-workload",
      `port ${port} of ${service?.host} is ${called.protocol}, and only requests of HTTP can be explained; see weft proxy config ${flags.from} listeners`,
    );
  const headers = Object.fromEntries(
    flags.header.map((line) => [line.slice(0, line.indexOf(":")).trim().toLowerCase(), line.replace(/^[^:]*:\s*/, "")]),
  );
  const { host = given === undefined ? name : `${name}:${given}`, ...rest } = headers;
  const explanation = explain(snapshot, caller, port, {
    method: flags.method,
    scheme: "http",
    authority: host,
    path: flags.path,
    headers: rest,
  });
  if (flags.output === "json") printJson(explanation);
  else console.log(explanationText(explanation));
  const { action } = explanation.route;
  if (action?.kind === "redirect") return 0;
  if (action?.kind === "respond") return action.status < 400 ? 0 : 1;
  const workloads = explanation.destinations.flatMap((destination) => destination.workloads);
  return action !== undefined && workloads.every(({ passes }) => passes !== false) ? 0 : 1;
}

function target(to: string): { readonly name: string; readonly port?: number } {
  const [, text = "", port] = /^(.*?)(?::(\d+))?$/.exec(to) ?? [];
  const [namespace, service] = text.split("/");
  const name = service === undefined ? text : `${service}.${namespace}`;
  return { name, ...(port === undefined ? {} : { port: Number(port) }) };
}

function serviceOf({ services }: Snapshot, name: string, namespace: string): Service | undefined {
  const [first = "", second] = name.split(".");
  return services.get(name) ?? services.get(serviceHost(first, second ?? namespace));
}
