import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const ROUTE = "route: [{destination: {host: b, port: {number: 9000}}}]";
const destinations = [{ host: "b.default.svc.cluster.local", port: 9000, weight: 100 }];

test("rules for connections", () => {
  const text = `{hosts: ["*.example.com", mongo], exportTo: [".", n],
    tcp: [{match: [{port: 27017, destinationSubnets: [10.0.0.0/8, 10.1.2.3, "fd00::1"], sourceLabels: {a: b}, sourceNamespace: n}], ${ROUTE}}, {${ROUTE}}],
    tls: [{match: [{sniHosts: [a.example.com, "*.b.example.com"], port: 443}], ${ROUTE}}]}`;
  const { value, warnings } = accepted(objectOf("VirtualService", text));
  expect(warnings).toEqual([]);
  expect(value).toEqual({
    namespace: "default",
    name: "x",
    hosts: ["*.example.com", "mongo.default.svc.cluster.local"],
    exportTo: ["default", "n"],
    http: [],
    tcp: [
      {
        matches: [
          {
            port: 27017,
            destinationSubnets: ["10.0.0.0/8", "10.1.2.3/32", "fd00::1/128"],
            sourceLabels: { a: "b" },
            sourceNamespace: "n",
          },
        ],
        destinations,
      },
      { matches: [], destinations },
    ],
    tls: [
      {
        matches: [{ sniHosts: ["a.example.com", "*.b.example.com"], destinationSubnets: [], port: 443 }],
        destinations,
      },
    ],
  });
});

test.each<[string, string[]]>([
  ["tcp: [{}]", ["MissingField spec.tcp[0].route"]],
  [
    `tcp: [{match: [{destinationSubnets: [10.0.0.0/33]}], ${ROUTE}}]`,
    ["InvalidValue spec.tcp[0].match[0].destinationSubnets[0]"],
  ],
  [
    `tcp: [{match: [{destinationSubnets: [a]}], ${ROUTE}}]`,
    ["InvalidValue spec.tcp[0].match[0].destinationSubnets[0]"],
  ],
  [`tcp: [{match: [{sourceSubnet: 10.0.0.0/8}], ${ROUTE}}]`, ["UnsupportedField spec.tcp[0].match[0].sourceSubnet"]],
  [`tcp: [{match: [{sniHosts: [a]}], ${ROUTE}}]`, ["UnknownField spec.tcp[0].match[0].sniHosts"]],
  ["tcp: [{route: [{destination: {host: b}, headers: {}}]}]", ["UnknownField spec.tcp[0].route[0].headers"]],
  [`tls: [{${ROUTE}}]`, ["MissingField spec.tls[0].match"]],
  [`tls: [{match: [{port: 443}], ${ROUTE}}]`, ["MissingField spec.tls[0].match[0].sniHosts"]],
  [`tls: [{match: [{sniHosts: [b.example.org]}], ${ROUTE}}]`, ["InvalidHost spec.tls[0].match[0].sniHosts[0]"]],
])("%s is refused", (text, problems) => {
  expect(refused(objectOf("VirtualService", `{hosts: ["*.example.com"], ${text}}`))).toEqual(problems);
});
