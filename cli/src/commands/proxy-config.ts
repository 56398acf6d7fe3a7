import { resolve } from "node:path";
import { ADMIN_PORT } from "@weft/control-plane/injection/ports";
import { MeshError } from "../mesh/mesh-error.js";
import { type AdminAddress, askEnvoy } from "../proxy-config/ask-envoy.js";
import { readConfigDump } from "../proxy-config/config-dump.js";
import { PARTS, type Part, type ProxyConfig, partCells, proxyConfig } from "../proxy-config/tables.js";
import { formatTable, type OutputFormat, printJson } from "../workbench/print.js";
import { readFolder } from "./translate.js";

export interface ProxyConfigFlags {
  /** Folder with the YAML of the mesh. */
  readonly file: string;
  readonly output: OutputFormat;
  /** Only rows that have this text somewhere. */
  readonly find?: string;
  /** `host:port` of the admin API; absent: that of the workload. */
  readonly admin?: string;
}

/** `weft proxy config`: what a sidecar really has, asked of Envoy itself. Returns the exit code. */
export async function showProxyConfig(proxy: string, part: Part | "all", flags: ProxyConfigFlags): Promise<number> {
  const address = flags.admin === undefined ? await adminOf(proxy, flags.file) : parseAddress(flags.admin);
  const [dump, clusters] = await Promise.all([
    askEnvoy(address, "/config_dump?include_eds"),
    askEnvoy(address, "/clusters?format=json"),
  ]);
  const config = found(proxyConfig(readConfigDump(dump), clusters), flags.find);
  const parts = part === "all" ? PARTS : [part];
  if (flags.output === "json") printJson(Object.fromEntries(parts.map((name) => [name, config[name]])));
  else
    for (const [index, name] of parts.entries()) {
      if (parts.length > 1) console.log(`${index === 0 ? "" : "\n"}${name.toUpperCase()}`);
      for (const line of formatTable(partCells(name, config), parts.length > 1 ? "  " : "")) console.log(line);
    }
  return 0;
}

async function adminOf(proxy: string, file: string): Promise<AdminAddress> {
  const folder = resolve(file);
  const { snapshot } = await readFolder(folder);
  const key = proxy.includes("/") ? proxy : `default/${proxy}`;
  const workload = snapshot.workloads.get(key);
  if (workload !== undefined) return { host: workload.address, port: ADMIN_PORT };
  const known = [...snapshot.workloads.keys()].sort();
  throw new MeshError(
    "no-workload",
    `${folder} has no WorkloadEntry ${key}; ${known.length === 0 ? "it has none at all" : `there are ${known.join(", ")}`}`,
  );
}

function parseAddress(text: string): AdminAddress {
  const [, host, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text)?.filter((part) => part !== undefined) ?? [];
  const number = Number(port);
  if (host === undefined || number < 1 || number > 65_535)
    throw new MeshError("no-workload", `${text} is no address of an admin API; write host:port`);
  return { host, port: number };
}

function found(config: ProxyConfig, wanted: string | undefined): ProxyConfig {
  if (wanted === undefined) return config;
  const keep = <Row>(rows: readonly Row[]): Row[] => rows.filter((row) => JSON.stringify(row).includes(wanted));
  return {
    listeners: keep(config.listeners),
    filters: keep(config.filters),
    routes: keep(config.routes),
    clusters: keep(config.clusters),
    endpoints: keep(config.endpoints),
    certificates: keep(config.certificates),
  };
}
