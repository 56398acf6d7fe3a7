import { expect, test } from "vitest";
import { mkDestinationRule, mkService, settings } from "../../../test/builders.js";
import { accepted, objectOf } from "../decode/decoding.js";
import type { MeshObject } from "../model/mesh-object.js";
import { createStore } from "./store.js";

/** `name: spec`, or `namespace/name: spec`, as VirtualServices. */
const virtualServices = (specs: Readonly<Record<string, string>>): MeshObject[] =>
  Object.entries(specs).map(([key, spec]) => {
    const [name, namespace = "default"] = key.split("/").reverse();
    return accepted(objectOf("VirtualService", spec, `{name: ${name}, namespace: ${namespace}}`)).object;
  });

const B = "route: [{destination: {host: b}}]";

function storeWith(specs: Readonly<Record<string, string>>) {
  const store = createStore(settings, "");
  const ports = [8080, 9090].map((port) => ({
    name: `http-${port}`,
    port,
    targetPort: port,
    protocol: "http" as const,
  }));
  const objects: MeshObject[] = [
    { kind: "Service", value: mkService("b") },
    { kind: "Service", value: mkService("many", { ports }) },
    { kind: "DestinationRule", value: mkDestinationRule("b", ["v1"]) },
    ...virtualServices(specs),
  ];
  store.apply(objects.map((object) => ({ kind: "apply", object })));
  return store;
}

const told = (store: ReturnType<typeof storeWith>) =>
  store.current.diagnostics.map(
    ({ severity, reason, object, field }) => `${severity} ${reason} ${object?.namespace}/${object?.name} ${field}`,
  );

test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
  [
    "a mirror",
    { x: `{hosts: [b], http: [{${B}, mirrors: [{destination: {host: c}}]}]}` },
    ["error HostNotFound default/x spec.http[0].mirrors[0].destination.host"],
  ],
  [
    "a subset of a mirror",
    { x: `{hosts: [b], http: [{${B}, mirror: {host: b, subset: v2}}]}` },
    ["error SubsetNotFound default/x spec.http[0].mirrors[0].destination.subset"],
  ],
  [
    "tcp",
    { x: "{hosts: [b], tcp: [{route: [{destination: {host: b, port: {number: 1}}}]}]}" },
    ["error PortNotFound default/x spec.tcp[0].route[0].destination.port"],
  ],
  [
    "tls",
    { x: "{hosts: [b.example], tls: [{match: [{sniHosts: [b.example]}], route: [{destination: {host: c}}]}]}" },
    [
      "error HostNotFound default/x spec.tls[0].route[0].destination.host",
      "warning HostNotFound default/x spec.hosts[0]",
    ],
  ],
  [
    "a rule after one for gateways",
    {
      x: "{hosts: [b], gateways: [mesh, in], http: [{match: [{gateways: [in]}], route: [{destination: {host: b}}]}, {route: [{destination: {host: c}}]}]}",
    },
    ["error HostNotFound default/x spec.http[1].route[0].destination.host"],
  ],
  [
    "a delegate",
    { x: "{hosts: [b], http: [{delegate: {name: y}}]}" },
    ["error DelegateNotFound default/x spec.http[0].delegate.name"],
  ],
  [
    "a delegate that has hosts",
    { x: "{hosts: [b], http: [{delegate: {name: y}}]}", y: `{hosts: [many], http: [{${B}}]}` },
    ["error DelegateNotFound default/x spec.http[0].delegate.name"],
  ],
  [
    "a delegate that is hidden",
    {
      x: "{hosts: [b], http: [{delegate: {name: y, namespace: n}}]}",
      "n/y": `{exportTo: ["."], http: [{route: [{destination: {host: b.default.svc.cluster.local}}]}]}`,
    },
    ["error DelegateNotFound default/x spec.http[0].delegate.name", "warning NotDelegatedTo n/y spec.hosts"],
  ],
  [
    "a delegate that is not in force",
    {
      x: "{hosts: [b], http: [{delegate: {name: y}}]}",
      y: "{http: [{route: [{destination: {host: c}}]}]}",
    },
    [
      "error HostNotFound default/y spec.http[0].route[0].destination.host",
      "error DelegateNotFound default/x spec.http[0].delegate.name",
    ],
  ],
])("names %s that is not there", (_what, specs, problems) => {
  const store = storeWith(specs);
  expect(told(store)).toEqual(problems);
  expect(store.current.snapshot.virtualServices.has("default/x")).toBe(false);
});

test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
  [
    "a host that no service has",
    { x: `{hosts: [www.example.com], http: [{${B}}]}` },
    ["warning HostNotFound default/x spec.hosts[0]"],
  ],
  [
    "a pattern that no service has",
    { x: `{hosts: ["*.example.com", "*.local"], http: [{${B}}]}` },
    ["warning HostNotFound default/x spec.hosts[0]"],
  ],
  [
    "a port that the host has not",
    { x: `{hosts: [b], http: [{match: [{port: 1}], ${B}}]}` },
    ["warning PortNotFound default/x spec.http[0].match[0].port"],
  ],
  [
    "a host of another",
    { x: `{hosts: [b], http: [{${B}}]}`, y: `{hosts: [many, b], http: [{${B}}]}` },
    ["warning HostTaken default/y spec.hosts[1]"],
  ],
  [
    "a host of another for the same namespace",
    {
      x: `{hosts: [b], exportTo: [n, m], http: [{${B}}]}`,
      y: `{hosts: [b], exportTo: [m], http: [{${B}}]}`,
    },
    ["warning HostTaken default/y spec.hosts[0]"],
  ],
  [
    "nothing of a host that other callers share",
    {
      x: `{hosts: [b], exportTo: ["."], http: [{${B}}]}`,
      y: `{hosts: [b], http: [{${B}}]}`,
    },
    [],
  ],
  ["a rule that nobody delegates to", { x: `{http: [{${B}}]}` }, ["warning NotDelegatedTo default/x spec.hosts"]],
  [
    "a rule that the one that delegates excludes",
    {
      x: "{hosts: [b], http: [{match: [{uri: {prefix: /a}}], delegate: {name: y}}]}",
      y: `{http: [{match: [{uri: {prefix: /b}}], ${B}}]}`,
    },
    ["warning NeverMatches default/y spec.http[0].match"],
  ],
])("is told of %s, and is in force", (_what, specs, problems) => {
  const store = storeWith(specs);
  expect(told(store)).toEqual(problems);
  expect([...store.current.snapshot.virtualServices.keys()].sort()).toEqual(
    Object.keys(specs).map((key) => (key.includes("/") ? key : `default/${key}`)),
  );
});

test("what delegates keeps its last good version while the other is broken", () => {
  const store = storeWith({ x: `{hosts: [b], http: [{delegate: {name: y}}]}`, y: `{http: [{${B}}]}` });
  expect(told(store)).toEqual([]);
  const [broken] = virtualServices({ y: "{http: [{route: [{destination: {host: c}}]}]}" });
  store.apply([{ kind: "apply", object: broken! }]);
  expect(told(store)).toEqual(["error HostNotFound default/y spec.http[0].route[0].destination.host"]);
  expect([...store.current.snapshot.virtualServices.keys()]).toEqual(["default/y", "default/x"]);
});
