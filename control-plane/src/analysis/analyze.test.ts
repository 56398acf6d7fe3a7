import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { settings } from "../../../test/builders.js";
import { decodeObject } from "../decode/decode.js";
import { createStore } from "../store/store.js";
import { analyze } from "./analyze.js";

const BASE = `
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80}]}}
---
{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: web-1}, spec: {address: 10.0.0.1, labels: {app: web, version: v1}}}
---
{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: bare, annotations: {"weft.mesh/inject": "false"}}, spec: {address: 10.0.0.2, labels: {app: bare}}}
`;

/** What is found in these objects beside the base, as `Kind namespace/name field Reason`. */
function found(yaml: string): string[] {
  const store = createStore(settings, "");
  const objects = parseAllDocuments(`${BASE}\n---\n${yaml}`).map((document) => {
    const decoded = decodeObject(document.toJS(), { standalone: true });
    if (!decoded.ok) throw new Error(JSON.stringify(decoded.diagnostics));
    return decoded.object;
  });
  store.apply(objects.map((object) => ({ kind: "apply", object })));
  expect(store.current.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return analyze(store.current.snapshot).map(
    ({ object, field = "-", reason }) => `${object?.kind} ${object?.namespace}/${object?.name} ${field} ${reason}`,
  );
}

const istio = (group: string, kind: string, spec: string, meta = "name: x") =>
  `{apiVersion: ${group}.istio.io/v1, kind: ${kind}, metadata: {${meta}}, spec: {${spec}}}`;
const virtualService = (http: string) => istio("networking", "VirtualService", `hosts: [web], http: [${http}]`);
const TO = "route: [{destination: {host: web}}]";
const rules = (...matches: readonly string[]) =>
  virtualService(matches.map((match) => `{${match === "" ? "" : `match: [${match}], `}${TO}}`).join(", "));

it("finds nothing where all is right", () => {
  expect(
    found(istio("networking", "DestinationRule", "host: web, subsets: [{name: v1, labels: {version: v1}}]")),
  ).toEqual([]);
});

const SHADOWED = "VirtualService default/x spec.http[1] ShadowedRoute";
describe("a rule that is never reached", () => {
  it.each([
    ["", "{uri: {prefix: /a}}"],
    ["{uri: {prefix: /}}", "{uri: {exact: /a}}"],
    ["{uri: {prefix: /a}}", "{uri: {prefix: /ab}}"],
    ["{uri: {prefix: /a}}", "{uri: {exact: /a/b}, method: {exact: GET}}"],
    ["{uri: {exact: /a}}", "{uri: {exact: /a}}"],
    ["{uri: {prefix: /A}, ignoreUriCase: true}", "{uri: {prefix: /ab}}"],
    ["{uri: {regex: '/[a-z]'}}", "{uri: {regex: '/[a-z]'}, headers: {x: {exact: y}}}"],
    ["{headers: {x: {}}}", "{headers: {x: {exact: y}}}"],
    ["{headers: {x: {prefix: y}}}", "{headers: {x: {exact: yes}}}"],
    ["{withoutHeaders: {x: {exact: y}}}", "{withoutHeaders: {x: {prefix: y}}}"],
    ["{queryParams: {q: {}}}", "{queryParams: {q: {exact: '1'}}}"],
    ["{sourceLabels: {a: b}}", "{sourceLabels: {a: b, c: d}}"],
    ["{uri: {prefix: /a}}, {uri: {prefix: /b}}", "{uri: {prefix: /b/c}}, {uri: {prefix: /a/c}}"],
  ])("%s before %s", (first, second) => {
    expect(found(rules(first, second))).toEqual([SHADOWED]);
  });
});

describe("a rule that may be reached", () => {
  it.each([
    ["{uri: {prefix: /ab}}", "{uri: {prefix: /a}}"],
    ["{uri: {exact: /a}}", ""],
    ["{uri: {prefix: /a}, method: {exact: GET}}", "{uri: {prefix: /a}}"],
    ["{uri: {prefix: /a}}", "{uri: {regex: '/a.*'}}"],
    ["{uri: {prefix: /a}}", "{uri: {prefix: /A}, ignoreUriCase: true}"],
    ["{headers: {x: {exact: y}}}", "{headers: {x: {}}}"],
    ["{headers: {x: {exact: y}}}", "{headers: {z: {exact: y}}}"],
    ["{withoutHeaders: {x: {prefix: y}}}", "{withoutHeaders: {x: {exact: y}}}"],
    ["{headers: {x: {exact: y}}}", "{withoutHeaders: {x: {exact: y}}}"],
    ["{port: 80}", "{}"],
    ["{sourceLabels: {a: b}}", "{sourceLabels: {a: c}}"],
    ["{sourceNamespace: other}", "{uri: {prefix: /}}"],
  ])("%s before %s", (first, second) => {
    expect(found(rules(first, second))).toEqual([]);
  });

  it("with a match that is not: the match is named", () => {
    expect(found(rules("{uri: {prefix: /a}}", "{uri: {prefix: /b}}, {uri: {exact: /a}}"))).toEqual([
      "VirtualService default/x spec.http[1].match[1] ShadowedRoute",
    ]);
  });
});

it.each([
  [
    istio(
      "networking",
      "DestinationRule",
      "host: web, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]",
    ),
    "DestinationRule default/x spec.subsets[1] EmptySubset",
  ],
  [
    "{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {app: nobody}, ports: [{name: http, port: 81}]}}",
    "Service default/x spec.selector NoEndpoints",
  ],
  [
    istio(
      "networking",
      "ServiceEntry",
      "hosts: [x.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, workloadSelector: {labels: {app: nobody}}",
    ),
    "ServiceEntry default/x spec NoEndpoints",
  ],
  [
    istio("security", "AuthorizationPolicy", "selector: {matchLabels: {app: nobody}}"),
    "AuthorizationPolicy default/x spec.selector SelectsNothing",
  ],
  [
    istio("security", "AuthorizationPolicy", "", "name: x, namespace: empty"),
    "AuthorizationPolicy empty/x - SelectsNothing",
  ],
  // Somebody has the labels, and no sidecar that could do anything.
  [
    istio("security", "RequestAuthentication", "selector: {matchLabels: {app: bare}}"),
    "RequestAuthentication default/x spec.selector SelectsNothing",
  ],
  [
    istio("telemetry", "Telemetry", "selector: {matchLabels: {app: nobody}}"),
    "Telemetry default/x spec.selector SelectsNothing",
  ],
  [
    istio("networking", "Sidecar", "workloadSelector: {labels: {app: nobody}}, egress: [{hosts: ['*/*']}]"),
    "Sidecar default/x spec.workloadSelector SelectsNothing",
  ],
  [
    istio(
      "extensions",
      "WasmPlugin",
      "url: 'oci://registry.example/x:1', selector: {matchLabels: {app: nobody}}",
    ).replace("io/v1,", "io/v1alpha1,"),
    "WasmPlugin default/x spec.selector SelectsNothing",
  ],
  [
    istio("security", "PeerAuthentication", "mtls: {mode: STRICT}"),
    "PeerAuthentication default/x spec.mtls.mode StrictWithoutSidecar",
  ],
])("%s", (yaml, expected) => {
  expect(found(yaml)).toEqual([expected]);
});

it.each([
  istio(
    "networking",
    "ServiceEntry",
    "hosts: [x.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS",
  ),
  istio("security", "AuthorizationPolicy", "", "name: x, namespace: weft-system"),
  istio("security", "PeerAuthentication", "selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}"),
  istio(
    "extensions",
    "WasmPlugin",
    "url: 'oci://registry.example/x:1', targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: r}]",
    "name: x, namespace: empty",
  ).replace("io/v1,", "io/v1alpha1,") +
    "\n---\n{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r, namespace: empty}, spec: {parentRefs: [{group: '', kind: Service, name: web, namespace: default}], rules: [{backendRefs: []}]}}",
])("%s is right", (yaml) => {
  expect(found(yaml)).toEqual([]);
});
