import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const service = (ports: string, rest = "selector: {app: a}") => objectOf("Service", `{ports: ${ports}, ${rest}}`);

test("a Service with its ports", () => {
  const { value, warnings } = accepted(
    service(
      "[{name: http, port: 80, targetPort: 8080}, {name: grpc-api, port: 9090}, {name: db, port: 5432, targetPort: 5433, appProtocol: postgres}]",
    ),
  );
  expect(value).toEqual({
    namespace: "default",
    name: "x",
    host: "x.default.svc.cluster.local",
    selector: { app: "a" },
    ports: [
      { name: "http", port: 80, targetPort: 8080, protocol: "http" },
      { name: "grpc-api", port: 9090, targetPort: 9090, protocol: "http2" },
      { name: "db", port: 5432, targetPort: 5433, protocol: "tcp" },
    ],
    addresses: [],
    exportTo: ["*"],
    location: "internal",
    resolution: { kind: "workloads" },
    subjectAltNames: [],
  });
  expect(warnings).toEqual([]);
});

test.each([
  ["{name: http, port: 1}", "http"],
  ["{name: http-web, port: 1}", "http"],
  ["{name: http2-x, port: 1}", "http2"],
  ["{name: grpc, port: 1}", "http2"],
  ["{name: grpc-web, port: 1}", "http"],
  ["{name: tcp-x, port: 1}", "tcp"],
  ["{name: https, port: 1}", "tls"],
  ["{name: tls-x, port: 1}", "tls"],
  ["{name: mysql, port: 1}", "tcp"],
  ["{name: smtp-in, port: 1}", "tcp"],
  ["{port: 3306}", "tcp"],
  ["{name: web, port: 25}", "tcp"],
  ["{name: http, port: 1, appProtocol: tcp}", "tcp"],
  ["{name: x, port: 1, appProtocol: http}", "http"],
  ["{name: x, port: 1, appProtocol: HTTP2}", "http2"],
  ["{name: x, port: 1, appProtocol: kubernetes.io/h2c}", "http2"],
  ["{name: x, port: 1, appProtocol: kubernetes.io/ws}", "http"],
  ["{name: x, port: 1, appProtocol: grpc}", "http2"],
])("port %s is %s", (port, protocol) => {
  const { value, warnings } = accepted(service(`[${port}]`));
  expect(value).toMatchObject({ ports: [{ protocol }] });
  expect(warnings).toEqual([]);
});

test.each([
  ["{port: 80}", "auto", ["UnknownProtocol spec.ports[0]"]],
  ["{name: web, port: 80}", "auto", ["UnknownProtocol spec.ports[0].name"]],
  ["{name: httpx, port: 80}", "auto", ["UnknownProtocol spec.ports[0].name"]],
  ["{name: http, port: 80, appProtocol: example.com/own}", "tcp", ["UnknownProtocol spec.ports[0].appProtocol"]],
])("port %s is %s, with a warning", (port, protocol, problems) => {
  const { value, warnings } = accepted(service(`[${port}]`));
  expect(value).toMatchObject({ ports: [{ protocol }] });
  expect(warnings).toEqual(problems);
});

test("a named targetPort is a warning, and the port stands in", () => {
  const { value, warnings } = accepted(service("[{name: http, port: 80, targetPort: web}]"));
  expect(value).toMatchObject({ ports: [{ port: 80, targetPort: 80 }] });
  expect(warnings).toEqual(["NamedTargetPort spec.ports[0].targetPort"]);
});

test("a UDP port is left out with a warning", () => {
  const { value, warnings } = accepted(service("[{name: http, port: 80}, {name: dns, port: 53, protocol: UDP}]"));
  expect(value).toMatchObject({ ports: [{ name: "http" }] });
  expect(warnings).toEqual(["UnsupportedProtocol spec.ports[1].protocol"]);
});

test("what a cluster does without the mesh may stay, and without a cluster a warning says that nobody does it", () => {
  const yaml = service(
    "[{name: http, port: 80, nodePort: 30080}]",
    "selector: {app: a}, type: LoadBalancer, clusterIP: 10.0.0.1, ipFamilies: [IPv4], sessionAffinity: None, internalTrafficPolicy: Cluster",
  );
  expect(accepted(yaml, {}).warnings).toEqual([]);
  expect(accepted(yaml).warnings).toEqual(["NoEffect spec.type", "NoEffect spec.ports[0].nodePort"]);
});

test.each([
  ["selector: {a: b}, clusterIP: 10.0.0.1", ["10.0.0.1"], { kind: "workloads" }, []],
  ["selector: {a: b}, clusterIPs: [10.0.0.1, 'FD00::1']", ["10.0.0.1", "fd00::1"], { kind: "workloads" }, []],
  ["selector: {a: b}, clusterIP: ''", [], { kind: "workloads" }, []],
  ["selector: {a: b}, clusterIP: None", [], { kind: "headless" }, []],
  ["clusterIP: 10.0.0.1", ["10.0.0.1"], { kind: "static", endpoints: [] }, ["NoEndpoints spec.selector"]],
  ["selector: {}", [], { kind: "static", endpoints: [] }, ["NoEndpoints spec.selector"]],
  ["type: ExternalName, externalName: a.example", [], { kind: "externalName", host: "a.example" }, []],
])("what answers for a Service with %s", (rest, addresses, resolution, problems) => {
  const { value, warnings } = accepted(service("[{name: http, port: 80}]", rest));
  expect(value).toMatchObject({ addresses, resolution });
  expect(warnings).toEqual(problems);
});

test("an ExternalName needs no ports", () => {
  const { value } = accepted(objectOf("Service", "{type: ExternalName, externalName: a.example}"));
  expect(value).toMatchObject({ ports: [], resolution: { kind: "externalName", host: "a.example" } });
});

test.each([
  ["'*'", ["*"]],
  ["'.'", ["n"]],
  ["'b, a ,a'", ["a", "b"]],
  ["'~'", []],
])("a Service with the annotation exportTo %s is seen by %j", (text, exportTo) => {
  const metadata = `{name: x, namespace: n, annotations: {networking.istio.io/exportTo: ${text}}}`;
  const yaml = objectOf("Service", "{ports: [{name: http, port: 80}], selector: {a: b}}", metadata);
  expect(accepted(yaml).value).toMatchObject({ exportTo });
});

test.each([
  ["[]", "selector: {a: b}", ["OutOfRange spec.ports"]],
  ["{}", "selector: {a: b}", ["WrongType spec.ports"]],
  ["[5]", "selector: {a: b}", ["WrongType spec.ports[0]"]],
  ["[{name: http}]", "selector: {a: b}", ["MissingField spec.ports[0].port"]],
  ["[{name: http, port: 0}]", "selector: {a: b}", ["OutOfRange spec.ports[0].port"]],
  ["[{name: http, port: 65536}]", "selector: {a: b}", ["OutOfRange spec.ports[0].port"]],
  ["[{name: http, port: '80'}]", "selector: {a: b}", ["WrongType spec.ports[0].port"]],
  ["[{name: http, port: 80.5}]", "selector: {a: b}", ["WrongType spec.ports[0].port"]],
  ["[{name: Http, port: 80}]", "selector: {a: b}", ["InvalidName spec.ports[0].name"]],
  ["[{name: http, port: 80, targetport: 1}]", "selector: {a: b}", ["UnknownField spec.ports[0].targetport"]],
  ["[{name: http, port: 80, targetPort: 0}]", "selector: {a: b}", ["OutOfRange spec.ports[0].targetPort"]],
  ["[{name: http, port: 80, targetPort: '81'}]", "selector: {a: b}", ["WrongType spec.ports[0].targetPort"]],
  ["[{name: http, port: 80, targetPort: []}]", "selector: {a: b}", ["WrongType spec.ports[0].targetPort"]],
  ["[{name: http, port: 80, protocol: tcp}]", "selector: {a: b}", ["InvalidValue spec.ports[0].protocol"]],
  ["[{name: http, port: 80}, {port: 81, appProtocol: tcp}]", "selector: {a: b}", ["MissingField spec.ports[1].name"]],
  ["[{name: http, port: 80}, {name: http, port: 81}]", "selector: {a: b}", ["DuplicateName spec.ports[1].name"]],
  ["[{name: http, port: 80}, {name: tcp, port: 80}]", "selector: {a: b}", ["DuplicatePort spec.ports[1].port"]],
  ["[{name: http, port: 80}]", "x: 1", ["NoEndpoints spec.selector", "UnknownField spec.x"]],
  ["[{name: http, port: 80}]", "selector: {a: b}, type: ExternalName", ["MissingField spec.externalName"]],
  ["[{name: http, port: 80}]", "selector: {a: b}, type: External", ["InvalidValue spec.type"]],
  ["[{name: http, port: 80}]", "selector: {a: b}, clusterIP: none", ["InvalidAddress spec.clusterIP"]],
  ["[{name: http, port: 80}]", "selector: {a: b}, clusterIP: 0.0.0.0", ["InvalidAddress spec.clusterIP"]],
  [
    "[{name: http, port: 80}]",
    "selector: {a: b}, clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2]",
    ["InvalidValue spec.clusterIPs"],
  ],
  [
    "[{name: http, port: 80}]",
    "selector: {a: b}, sessionAffinity: ClientIP",
    ["UnsupportedValue spec.sessionAffinity"],
  ],
  ["[{name: http, port: 80}]", "selector: {a: b}, externalName: x.example", ["InvalidValue spec.externalName"]],
])("ports %s with %s is refused", (ports, rest, problems) => {
  expect(refused(service(ports, rest))).toEqual(problems);
});

test.each<[string, string, object, string[]]>([
  ["one without a selector", "clusterIP: 10.0.0.1", { resolution: { kind: "workloads" } }, []],
  ["a headless one without a selector", "clusterIP: None", { resolution: { kind: "headless" } }, []],
  [
    "what kube-proxy does otherwise",
    "selector: {app: a}, sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 9}}, internalTrafficPolicy: Local, trafficDistribution: PreferClose",
    { selector: { app: "a" } },
    ["NoEffect spec.internalTrafficPolicy", "NoEffect spec.sessionAffinity", "NoEffect spec.trafficDistribution"],
  ],
  [
    "what a cluster writes into each",
    "selector: {app: a}, type: LoadBalancer, sessionAffinity: None, internalTrafficPolicy: Cluster, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, allocateLoadBalancerNodePorts: true, externalTrafficPolicy: Cluster",
    {},
    [],
  ],
])("in a cluster, %s", (_, rest, expected, said) => {
  const ports = "[{name: http, port: 80, targetPort: web, nodePort: 30080}, {name: dns, port: 53, protocol: UDP}]";
  const { value, warnings } = accepted(service(ports, rest), { standalone: false });
  expect(value).toMatchObject({
    ...expected,
    ports: [{ name: "http", port: 80, targetPort: 80, targetPortName: "web", protocol: "http" }],
  });
  expect(warnings).toEqual(said);
});
