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
  ["{name: https, port: 1}", "tcp"],
  ["{name: tls-x, port: 1}", "tcp"],
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
  ["{port: 80}", ["UnknownProtocol spec.ports[0]"]],
  ["{name: web, port: 80}", ["UnknownProtocol spec.ports[0].name"]],
  ["{name: httpx, port: 80}", ["UnknownProtocol spec.ports[0].name"]],
  ["{name: http, port: 80, appProtocol: example.com/own}", ["UnknownProtocol spec.ports[0].appProtocol"]],
])("port %s is TCP, with a warning", (port, problems) => {
  const { value, warnings } = accepted(service(`[${port}]`));
  expect(value).toMatchObject({ ports: [{ protocol: "tcp" }] });
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
  expect(accepted(yaml).warnings).toEqual([
    "NoEffect spec.clusterIP",
    "NoEffect spec.type",
    "NoEffect spec.ports[0].nodePort",
  ]);
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
  ["[{name: http, port: 80}]", "x: 1", ["MissingField spec.selector", "UnknownField spec.x"]],
  ["[{name: http, port: 80}]", "selector: {}", ["MissingField spec.selector"]],
  ["[{name: http, port: 80}]", "selector: {a: b}, type: ExternalName", ["UnsupportedValue spec.type"]],
  [
    "[{name: http, port: 80}]",
    "selector: {a: b}, sessionAffinity: ClientIP",
    ["UnsupportedValue spec.sessionAffinity"],
  ],
  ["[{name: http, port: 80}]", "selector: {a: b}, externalName: x.example", ["UnsupportedField spec.externalName"]],
  [
    "[{name: http, port: 80}]",
    "selector: {a: b}, publishNotReadyAddresses: true",
    ["UnsupportedValue spec.publishNotReadyAddresses"],
  ],
])("ports %s with %s is refused", (ports, rest, problems) => {
  expect(refused(service(ports, rest))).toEqual(problems);
});
