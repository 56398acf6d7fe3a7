import type { Path } from "../decode/path.js";
import type { Problems } from "../decode/problems.js";
import { type AppProbe, type AppProbeTarget, appProbePath, type ProbeRhythm } from "./app-probe.js";
import { PROBE_PORT } from "./interception-options.js";
import type { JsonObject, JsonValue } from "./json.js";
import { KUBELET_HEADER } from "./kubelet-access.js";
import { childList, childObject, nameOf } from "./pod-parts.js";

const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"] as const;
const HOOKS = ["postStart", "preStop"] as const;

/** As the API server has them where a probe does not say. */
const DEFAULT_PERIOD_SECONDS = 10;
const DEFAULT_TIMEOUT_SECONDS = 1;

export interface RewrittenContainers {
  readonly containers: readonly JsonObject[];
  /** What the sidecar asks in the kubelet's place. */
  readonly probes: readonly AppProbe[];
}

/**
 * Sends the kubelet's probes and hooks by HTTP, gRPC and TCP to the sidecar. Those that run a command in the container
 * stay as they are, and so do those that go to another host than the pod.
 */
export function rewriteProbes(
  containers: readonly JsonObject[],
  { token, path, problems }: { readonly token: string; readonly path: Path; readonly problems: Problems },
): RewrittenContainers {
  const probes: AppProbe[] = [];
  const rewritten = containers.map((container, position) => {
    const rewrite = (what: string, handler: JsonObject, at: Path): JsonObject => {
      const target = targetOf(handler, container, { path: [...path, position, ...at], problems });
      if (target === undefined) return handler;
      const probe = { name: `${nameOf(container)}/${what}`, target };
      probes.push(probe);
      const { httpGet: _, tcpSocket: __, grpc: ___, ...rest } = handler;
      return { ...rest, httpGet: toSidecar(probe, handler, token) };
    };
    const changed: Record<string, JsonValue> = {};
    for (const what of PROBES) {
      const handler = childObject(container, what);
      if (handler !== undefined) changed[what] = rewrite(what, handler, [what]);
    }
    const lifecycle = childObject(container, "lifecycle");
    if (lifecycle !== undefined) {
      const hooks: Record<string, JsonValue> = {};
      for (const what of HOOKS) {
        const handler = childObject(lifecycle, what);
        // The kubelet does not act on tcpSocket of a hook.
        if (handler?.httpGet !== undefined) hooks[what] = rewrite(what, handler, ["lifecycle", what]);
      }
      if (Object.keys(hooks).length > 0) changed.lifecycle = { ...lifecycle, ...hooks };
    }
    return { ...container, ...changed };
  });
  return { containers: rewritten, probes };
}

/** Headers of the user's go along; a Host among them is the app's. */
function toSidecar(probe: AppProbe, handler: JsonObject, token: string): JsonObject {
  const written = childObject(handler, "httpGet");
  const headers = written === undefined ? [] : childList(written, "httpHeaders");
  return {
    path: appProbePath(probe),
    port: PROBE_PORT,
    scheme: "HTTP",
    httpHeaders: [...headers, { name: KUBELET_HEADER, value: token }],
  };
}

interface Place {
  readonly path: Path;
  readonly problems: Problems;
}

function targetOf(handler: JsonObject, container: JsonObject, { path, problems }: Place): AppProbeTarget | undefined {
  const http = childObject(handler, "httpGet");
  if (http !== undefined) return httpTarget(http, container, { path: [...path, "httpGet"], problems });
  const tcp = childObject(handler, "tcpSocket");
  if (tcp !== undefined) {
    const port = portOf(tcp, container, { path: [...path, "tcpSocket"], problems });
    return port === undefined || tcp.host !== undefined ? undefined : { kind: "tcp", port, rhythm: rhythmOf(handler) };
  }
  const grpc = childObject(handler, "grpc");
  if (grpc === undefined) return undefined;
  const port = portOf(grpc, container, { path: [...path, "grpc"], problems });
  if (port === undefined) return undefined;
  const service = typeof grpc.service === "string" ? grpc.service : "";
  return { kind: "grpc", port, service, rhythm: rhythmOf(handler) };
}

function httpTarget(http: JsonObject, container: JsonObject, place: Place): AppProbeTarget | undefined {
  const port = portOf(http, container, place);
  if (port === undefined || http.host !== undefined) return undefined;
  const path = pathOf(typeof http.path === "string" ? http.path : "");
  if (path === undefined) {
    const message = "is no path that can be asked for; the probe is left alone, and fails under STRICT mTLS";
    place.problems.warning([...place.path, "path"], "InvalidPath", message, "write a path such as /healthz");
    return undefined;
  }
  if (http.scheme !== "HTTPS") return { kind: "http", port, path };
  const host = childList(http, "httpHeaders").find(({ name }) => typeof name === "string" && /^host$/i.test(name));
  const serverName = typeof host?.value === "string" ? host.value.replace(/:\d+$/, "") : undefined;
  return { kind: "http", port, path, tls: serverName === undefined ? {} : { serverName } };
}

/** As the kubelet makes a URL of it: what is no path is one all the same, and a fragment is left out. */
function pathOf(written: string): string | undefined {
  try {
    const { pathname, search } = new URL(written, "http://pod");
    return `${pathname}${search}`;
  } catch {
    return undefined;
  }
}

/** A number, or the name of one of the container's own ports. */
function portOf(handler: JsonObject, container: JsonObject, { path, problems }: Place): number | undefined {
  const { port } = handler;
  if (typeof port === "number") return port;
  const named = childList(container, "ports").find(({ name }) => name === port)?.containerPort;
  if (typeof named === "number") return named;
  if (typeof port === "string" && /^\d{1,5}$/.test(port)) return Number(port);
  problems.warning(
    [...path, "port"],
    "UnknownPort",
    `names no port of container ${nameOf(container)}; the probe is left alone, and the kubelet cannot ask it`,
    "add the port with this name to the container, or write its number",
  );
  return undefined;
}

function rhythmOf({ periodSeconds, timeoutSeconds }: JsonObject): ProbeRhythm {
  const seconds = (value: JsonValue | undefined, otherwise: number) =>
    typeof value === "number" && value >= 1 ? value : otherwise;
  return {
    periodSeconds: seconds(periodSeconds, DEFAULT_PERIOD_SECONDS),
    timeoutSeconds: seconds(timeoutSeconds, DEFAULT_TIMEOUT_SECONDS),
  };
}
