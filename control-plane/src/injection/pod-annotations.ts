import { nearest } from "../decode/nearest.js";
import type { Path } from "../decode/path.js";
import type { Problems } from "../decode/problems.js";
import { DNS_ANNOTATION, INJECT_LABEL } from "../decode/workload-entry.js";
import type { ImagePullPolicy, InjectionSettings, LogLevel, ProxySettings } from "./injection-settings.js";
import { IMAGE_PULL_POLICIES, LOG_LEVELS } from "./injection-settings.js";
import { type InterceptionInput, type InterceptionOptions, readInterceptionOptions } from "./interception-options.js";
import { SDS_CERTIFICATE_ANNOTATION, SDS_TRUST_ANNOTATION, STATUS_ANNOTATION } from "./pod-names.js";
import { cpuOf, memoryOf } from "./quantities.js";

/** Annotation; `"false"` leaves the app's probes to the kubelet. */
export const REWRITE_PROBES_ANNOTATION = "probes.weft.mesh/rewrite";

const PROXY = {
  image: "proxy.weft.mesh/image",
  imagePullPolicy: "proxy.weft.mesh/image-pull-policy",
  cpuRequest: "proxy.weft.mesh/cpu-request",
  cpuLimit: "proxy.weft.mesh/cpu-limit",
  memoryRequest: "proxy.weft.mesh/memory-request",
  memoryLimit: "proxy.weft.mesh/memory-limit",
  concurrency: "proxy.weft.mesh/concurrency",
  logLevel: "proxy.weft.mesh/log-level",
  maxConnections: "proxy.weft.mesh/max-connections",
  startupSeconds: "proxy.weft.mesh/startup-seconds",
} as const satisfies Readonly<Record<keyof ProxySettings, string>>;

/** The options of interception that a pod may set; the sidecar's own ports and user are fixed. */
const TRAFFIC = {
  includeInboundPorts: "traffic.weft.mesh/include-inbound-ports",
  excludeInboundPorts: "traffic.weft.mesh/exclude-inbound-ports",
  includeOutboundPorts: "traffic.weft.mesh/include-outbound-ports",
  excludeOutboundPorts: "traffic.weft.mesh/exclude-outbound-ports",
  includeOutboundCidrs: "traffic.weft.mesh/include-outbound-cidrs",
  excludeOutboundCidrs: "traffic.weft.mesh/exclude-outbound-cidrs",
  excludeUids: "traffic.weft.mesh/exclude-uids",
  excludeGids: "traffic.weft.mesh/exclude-gids",
  dnsServers: "traffic.weft.mesh/dns-servers",
} as const satisfies Partial<Readonly<Record<keyof InterceptionInput, string>>>;

/** All that users may write. */
export const POD_ANNOTATIONS: readonly string[] = [
  INJECT_LABEL,
  DNS_ANNOTATION,
  REWRITE_PROBES_ANNOTATION,
  ...Object.values(PROXY),
  ...Object.values(TRAFFIC),
];

/** What the injector writes itself. */
const OWN_ANNOTATIONS: readonly string[] = [STATUS_ANNOTATION, SDS_CERTIFICATE_ANNOTATION, SDS_TRUST_ANNOTATION];

/** What a pod wants, with the operator's settings where it says nothing. */
export interface PodKnobs {
  readonly proxy: ProxySettings;
  readonly interception: InterceptionOptions;
  readonly rewritesProbes: boolean;
}

/** Reads all annotations of our group; a name that nobody knows is an error, because its author relies on it. */
export function readPodKnobs(
  annotations: Readonly<Record<string, string>>,
  settings: InjectionSettings,
  { path, problems }: { readonly path: Path; readonly problems: Problems },
): PodKnobs {
  reportUnknown(annotations, path, problems);
  const refuse = (name: string, message: string, hint: string): undefined => {
    problems.error([...path, name], "InvalidAnnotation", message, hint);
    return undefined;
  };
  const read = <T>(name: string, parse: (text: string) => T | undefined, hint: string): T | undefined => {
    const text = annotations[name];
    if (text === undefined) return undefined;
    return parse(text) ?? refuse(name, `is ${JSON.stringify(text.slice(0, 80))}`, hint);
  };
  const oneOf = <T extends string>(name: string, words: readonly T[]) =>
    read(name, (text) => words.find((word) => word === text), `use one of ${words.join(", ")}`);
  const quantity = (name: string, amount: (text: string) => number | undefined, hint: string) =>
    read(name, (text) => (amount(text) === undefined ? undefined : text), hint);
  const number = (name: string, min: number, max: number) => {
    const parse = (text: string) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
      return value >= min && value <= max ? value : undefined;
    };
    return read(name, parse, `use a number from ${min} to ${max}`);
  };
  const flag = (name: string) => {
    const text = oneOf(name, ["true", "false"]);
    return text === undefined ? undefined : text === "true";
  };

  const cpu = (name: string) => quantity(name, cpuOf, "write it like 100m, 0.5 or 2");
  const memory = (name: string) => quantity(name, memoryOf, "write it like 64Mi or 1Gi");
  const imagePullPolicy: ImagePullPolicy | undefined = oneOf(PROXY.imagePullPolicy, IMAGE_PULL_POLICIES);
  const logLevel: LogLevel | undefined = oneOf(PROXY.logLevel, LOG_LEVELS);
  const own: { readonly [Knob in keyof ProxySettings]: ProxySettings[Knob] | undefined } = {
    image: read(PROXY.image, (text) => (IMAGE.test(text) ? text : undefined), "write it like envoyproxy/envoy:v1.40.0"),
    imagePullPolicy,
    cpuRequest: cpu(PROXY.cpuRequest),
    cpuLimit: cpu(PROXY.cpuLimit),
    memoryRequest: memory(PROXY.memoryRequest),
    memoryLimit: memory(PROXY.memoryLimit),
    concurrency: number(PROXY.concurrency, 1, 64),
    logLevel,
    maxConnections: number(PROXY.maxConnections, 1, 10_000_000),
    startupSeconds: number(PROXY.startupSeconds, 10, 3600),
  };
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const proxy: ProxySettings = { ...settings.proxy, ...said };
  const limits = [
    ["cpuRequest", "cpuLimit", cpuOf],
    ["memoryRequest", "memoryLimit", memoryOf],
  ] as const;
  for (const [request, limit, amount] of limits) {
    const [least, most] = [proxy[request], proxy[limit]];
    if (least === undefined || most === undefined || (amount(least) ?? 0) <= (amount(most) ?? 0)) continue;
    const name = own[request] === undefined ? PROXY[limit] : PROXY[request];
    refuse(name, `asks for ${least}, with a limit of ${most}`, `set ${PROXY[request]} and ${PROXY[limit]} to fit`);
  }
  return {
    proxy,
    interception: readInterception(annotations, flag(DNS_ANNOTATION) ?? settings.captureDns, refuse),
    rewritesProbes: flag(REWRITE_PROBES_ANNOTATION) ?? true,
  };
}

/** https://github.com/distribution/reference; loosely: the kubelet has the last word. */
const IMAGE = /^[\w][\w.:/@-]{0,511}$/;

function readInterception(
  annotations: Readonly<Record<string, string>>,
  captureDns: boolean,
  refuse: (name: string, message: string, hint: string) => undefined,
): InterceptionOptions {
  const lists = Object.entries(TRAFFIC).flatMap(([option, name]) => {
    const text = annotations[name];
    return text === undefined ? [] : [[option, text.trim() === "" ? [] : text.split(",").map((part) => part.trim())]];
  });
  const input: InterceptionInput = { ...Object.fromEntries(lists), captureDns };
  const read = readInterceptionOptions(input);
  if (read.ok) return read.options;
  const names: Readonly<Partial<Record<keyof InterceptionInput, string>>> = TRAFFIC;
  for (const { option, message } of read.problems)
    refuse(names[option] ?? DNS_ANNOTATION, message, "write ports, addresses or ids, separated by commas");
  const defaults = readInterceptionOptions({});
  if (!defaults.ok) throw new Error("interception has no defaults");
  return defaults.options;
}

function reportUnknown(annotations: Readonly<Record<string, string>>, path: Path, problems: Problems): void {
  for (const name of Object.keys(annotations).sort()) {
    const group = name.slice(0, Math.max(0, name.indexOf("/")));
    if (group !== "weft.mesh" && !group.endsWith(".weft.mesh")) continue;
    if (POD_ANNOTATIONS.includes(name) || OWN_ANNOTATIONS.includes(name)) continue;
    const near = nearest(name, POD_ANNOTATIONS);
    const hint = near === undefined ? `remove it; known are ${POD_ANNOTATIONS.join(", ")}` : `did you mean ${near}?`;
    problems.error([...path, name], "UnknownAnnotation", "is no annotation of pods that Weft knows", hint);
  }
}
