import type { HttpMatch, HttpRoute, HttpRouteOptions } from "../control-plane/src/model/http-route.js";
import { serviceHost } from "../control-plane/src/model/service.js";
import type { DelegateRoute, VirtualService } from "../control-plane/src/model/virtual-service.js";

type Pick = <T>(list: readonly T[]) => T;

const MATCHES: readonly Partial<HttpMatch>[] = [
  {},
  { uri: { kind: "prefix", value: "/a" }, ignoreUriCase: true },
  { headers: [{ name: "x", invert: true }] },
  { port: 8080 },
  { port: 8081 },
  { sourceLabels: { tier: "x" } },
  { sourceLabels: { tier: "y", version: "v1" } },
  { sourceNamespace: "other" },
  { sourceNamespace: "default", sourceLabels: { version: "v2" } },
];

/** A VirtualService for an app, or one with the same name that others delegate to. */
export function randomVirtualService(app: string, apps: readonly string[], pick: Pick): VirtualService {
  const host = () => serviceHost(pick(apps), "default");
  const destination = () => ({
    host: host(),
    weight: pick([0, 1, 3]),
    ...pick([{}, { subset: "v1" }, { port: 8080 }]),
  });
  const options = (): HttpRouteOptions => ({
    matches: pick([[], [0], [0, 1]]).map(() => ({ headers: [], queryParams: [], ...pick(MATCHES) })),
    ...pick([
      {},
      { timeoutMs: 1000 },
      { retries: { attempts: 3, statusCodes: [500], retryOn: ["retriable-status-codes"] } },
      { fault: { delay: { percentage: 10, delayMs: 5 } } },
      { mirrors: [{ host: host(), percentage: 50, ...pick([{}, { subset: "v1" }, { port: 8080 }]) }] },
      { mirrors: [{ host: host(), percentage: 100 }] },
      { headers: { request: { set: [{ name: "x", value: "1" }], add: [], remove: [] } } },
    ]),
  });
  const rule = (): HttpRoute => ({
    ...options(),
    action: pick([
      { kind: "forward", destinations: [destination(), destination()] },
      { kind: "forward", destinations: [destination()] },
      { kind: "redirect", redirect: { status: 301, port: "request" } },
      { kind: "respond", response: { status: 200, body: { kind: "text", value: "x".repeat(pick([1, 5000])) } } },
    ] as const),
  });
  const delegate = (): DelegateRoute => ({ ...options(), delegate: { namespace: "default", name: pick(apps) } });
  const isDelegate = pick([true, false, false]);
  return {
    namespace: "default",
    name: app,
    hosts: isDelegate
      ? []
      : pick([
          [serviceHost(app, "default")],
          [serviceHost(app, "default"), "www.example.com"],
          ["*.cluster.local"],
          ["*.example.com", "*.default.svc.cluster.local"],
        ]),
    exportTo: pick([["*"], ["*"], ["default"], ["other"], ["default", "other"]]),
    http: [rule(), isDelegate ? rule() : pick([rule, delegate])()],
    tcp: [],
    tls: [],
  };
}
