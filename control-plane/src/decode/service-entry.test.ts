import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const entry = (spec: string, metadata = "{name: x, namespace: n}") => objectOf("ServiceEntry", spec, metadata);
const HTTP = "ports: [{number: 80, name: http, protocol: HTTP}]";

test("a ServiceEntry is one service for each host", () => {
  const { value, warnings } = accepted(
    entry(`{
      hosts: [a.example, b.example], addresses: [10.9.0.1, 10.8.0.0/16], location: MESH_INTERNAL, resolution: STATIC,
      ports: [{number: 443, name: https, protocol: HTTPS, targetPort: 8443}],
      endpoints: [{address: 10.0.0.1, ports: {https: 9443}, labels: {version: v1}, weight: 3, locality: r/z, serviceAccount: s}],
      exportTo: [., other], subjectAltNames: [spiffe://a/b]
    }`),
  );
  const shared = {
    namespace: "n",
    name: "x",
    ports: [{ name: "https", port: 443, targetPort: 8443, protocol: "tls" }],
    selector: {},
    addresses: ["10.9.0.1", "10.8.0.0/16"],
    exportTo: ["n", "other"],
    location: "internal",
    resolution: {
      kind: "static",
      endpoints: [
        {
          address: "10.0.0.1",
          ports: { https: 9443 },
          labels: { version: "v1" },
          weight: 3,
          locality: "r/z",
          serviceAccount: "s",
        },
      ],
    },
    subjectAltNames: ["spiffe://a/b"],
  };
  expect(value).toEqual({
    namespace: "n",
    name: "x",
    services: [
      { ...shared, host: "a.example" },
      { ...shared, host: "b.example" },
    ],
  });
  expect(warnings).toEqual([]);
});

test.each([
  ["{}", { kind: "original" }, []],
  ["{resolution: NONE}", { kind: "original" }, []],
  ["{resolution: DNS}", { kind: "dns", lookup: "strict", endpoints: [] }, []],
  ["{resolution: DNS_ROUND_ROBIN}", { kind: "dns", lookup: "logical", endpoints: [] }, []],
  ["{resolution: DNS, endpoints: [{address: a.b}]}", { kind: "dns", endpoints: [{ address: "a.b", weight: 1 }] }, []],
  ["{resolution: STATIC}", { kind: "static", endpoints: [] }, ["NoEndpoints spec.endpoints"]],
  ["{resolution: STATIC, workloadSelector: {labels: {a: b}}}", { kind: "workloads" }, []],
  ["{endpoints: [], resolution: STATIC}", { kind: "static" }, ["NoEndpoints spec.endpoints"]],
])("%s is resolved so", (rest, resolution, problems) => {
  const { value, warnings } = accepted(entry(`{hosts: [a.example], ${HTTP}, ${rest.slice(1)}`));
  expect(value).toMatchObject({ services: [{ resolution }] });
  expect(warnings).toEqual(problems);
});

test.each([
  ["HTTP", "http"],
  ["http2", "http2"],
  ["GRPC", "http2"],
  ["HTTPS", "tls"],
  ["TLS", "tls"],
  ["TCP", "tcp"],
  ["MONGO", "tcp"],
  ["MYSQL", "tcp"],
])("protocol %s is %s", (word, protocol) => {
  const { value, warnings } = accepted(entry(`{hosts: [a.b], ports: [{number: 1, name: x, protocol: ${word}}]}`));
  expect(value).toMatchObject({ services: [{ ports: [{ protocol }] }] });
  expect(warnings).toEqual([]);
});

test("what is not TCP is left alone, and what is not known is TCP", () => {
  const ports = "[{number: 53, name: dns, protocol: UDP}, {number: 1, name: x, protocol: SPDY}, {number: 2, name: y}]";
  const { value, warnings } = accepted(entry(`{hosts: [a.b], ports: ${ports}}`));
  expect(value).toMatchObject({ services: [{ ports: [{ protocol: "tcp" }, { protocol: "auto" }] }] });
  expect(warnings).toEqual([
    "UnsupportedProtocol spec.ports[0].protocol",
    "UnknownProtocol spec.ports[1].protocol",
    "UnknownProtocol spec.ports[2].name",
  ]);
});

test("a wildcard host", () => {
  expect(accepted(entry(`{hosts: ['*.example.com'], ${HTTP}}`)).value).toMatchObject({
    services: [{ host: "*.example.com" }],
  });
});

test.each([
  [`{${HTTP}}`, ["MissingField spec.hosts"]],
  [`{hosts: [], ${HTTP}}`, ["OutOfRange spec.hosts"]],
  ["{hosts: [a.b]}", ["MissingField spec.ports"]],
  [`{hosts: ['*'], ${HTTP}}`, ["InvalidHost spec.hosts[0]"]],
  [`{hosts: ['a.*.b'], ${HTTP}}`, ["InvalidName spec.hosts[0]"]],
  [`{hosts: [A.b], ${HTTP}}`, ["InvalidName spec.hosts[0]"]],
  [`{hosts: [a.b, a.b], ${HTTP}}`, ["DuplicateName spec.hosts[1]"]],
  [`{hosts: ['*.a.b'], resolution: DNS, ${HTTP}}`, ["InvalidHost spec.hosts[0]"]],
  [`{hosts: [a.b], addresses: [a.b], ${HTTP}}`, ["InvalidAddress spec.addresses[0]"]],
  [`{hosts: [a.b], addresses: [10.0.0.0/33], ${HTTP}}`, ["InvalidAddress spec.addresses[0]"]],
  [`{hosts: [a.b], addresses: [10.0.0.0/0], ${HTTP}}`, ["InvalidAddress spec.addresses[0]"]],
  [`{hosts: [a.b], location: EXTERNAL, ${HTTP}}`, ["InvalidValue spec.location"]],
  [`{hosts: [a.b], resolution: DYNAMIC_DNS, ${HTTP}}`, ["UnsupportedValue spec.resolution"]],
  [`{hosts: [a.b], resolution: NONE, endpoints: [{address: 10.0.0.1}], ${HTTP}}`, ["InvalidValue spec.endpoints"]],
  [
    `{hosts: [a.b], resolution: STATIC, endpoints: [{address: a.b}], ${HTTP}}`,
    ["InvalidAddress spec.endpoints[0].address"],
  ],
  [
    `{hosts: [a.b], resolution: STATIC, endpoints: [{address: 'unix:///x'}], ${HTTP}}`,
    ["InvalidAddress spec.endpoints[0].address"],
  ],
  [
    `{hosts: [a.b], resolution: DNS_ROUND_ROBIN, endpoints: [{address: a}, {address: b}], ${HTTP}}`,
    ["TooLarge spec.endpoints"],
  ],
  [
    `{hosts: [a.b], resolution: STATIC, workloadSelector: {labels: {a: b}}, endpoints: [{address: 10.0.0.1}], ${HTTP}}`,
    ["InvalidValue spec.endpoints"],
  ],
  [`{hosts: [a.b], resolution: DNS, workloadSelector: {labels: {a: b}}, ${HTTP}}`, ["InvalidValue spec.resolution"]],
  [`{hosts: [a.b], exportTo: ['~', a], ${HTTP}}`, ["InvalidValue spec.exportTo"]],
  ["{hosts: [a.b], ports: [{number: 1, name: a}, {number: 1, name: b}]}", ["DuplicatePort spec.ports[1].number"]],
  ["{hosts: [a.b], ports: [{number: 1, name: a}, {number: 2, name: a}]}", ["DuplicateName spec.ports[1].name"]],
  [
    "{hosts: [a.b], ports: [{port: 1, name: a}]}",
    ["MissingField spec.ports[0].number", "UnknownField spec.ports[0].port"],
  ],
  [`{hosts: [a.b], host: a, ${HTTP}}`, ["UnknownField spec.host"]],
])("%s is refused", (spec, problems) => {
  expect(refused(entry(spec))).toEqual(problems);
});
