import { describe, expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const virtualService = (route: string, hosts = "[backend]") =>
  objectOf("VirtualService", `{hosts: ${hosts}, http: [${route}]}`);
const TO_B = "route: [{destination: {host: b}}]";

test("the design's sample, unchanged", () => {
  const { value, warnings } = accepted(`
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: backend}
spec:
  hosts: [backend.default.svc.cluster.local]
  http:
  - route:
    - {destination: {host: backend.default.svc.cluster.local, subset: v1}, weight: 90}
    - {destination: {host: backend.default.svc.cluster.local, subset: v2}, weight: 10}
`);
  const host = "backend.default.svc.cluster.local";
  expect(value).toEqual({
    namespace: "default",
    name: "backend",
    hosts: [host],
    http: [
      {
        matches: [],
        action: {
          kind: "forward",
          destinations: [
            { host, subset: "v1", weight: 90 },
            { host, subset: "v2", weight: 10 },
          ],
        },
      },
    ],
    exportTo: ["*"],
    tcp: [],
    tls: [],
  });
  expect(warnings).toEqual([]);
});

test("what rules say most", () => {
  const { value, warnings } = accepted(`
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: x, namespace: n}
spec:
  hosts: [backend, backend.n.svc.cluster.local, other.example]
  gateways: [mesh]
  exportTo: ["*"]
  http:
  - name: canary
    match:
    - uri: {prefix: /api/}
      method: {exact: GET}
      headers: {X-Canary: {exact: always}, x-any: {}, x-re: {regex: "v[0-9]+"}, x-all: {regex: "*"}}
    - uri: {regex: "/v(?:1|2)/.*"}
    route:
    - destination: {host: backend, subset: v2, port: {number: 80}}
    timeout: 1m1.5s
    retries: {attempts: 3, perTryTimeout: 100ms, retryOn: "5xx, reset ,5xx"}
  - route:
    - {destination: {host: backend}, weight: 100}
    timeout: 0s
    retries: {attempts: 0}
`);
  const host = "backend.n.svc.cluster.local";
  expect(value).toEqual({
    namespace: "n",
    name: "x",
    hosts: [host, "other.example"],
    http: [
      {
        name: "canary",
        matches: [
          {
            uri: { kind: "prefix", value: "/api/" },
            method: { kind: "exact", value: "GET" },
            headers: [
              { name: "x-canary", match: { kind: "exact", value: "always" } },
              { name: "x-any" },
              { name: "x-re", match: { kind: "regex", value: "v[0-9]+" } },
              { name: "x-all" },
            ],
            queryParams: [],
          },
          { uri: { kind: "regex", value: "/v(?:1|2)/.*" }, headers: [], queryParams: [] },
        ],
        action: { kind: "forward", destinations: [{ host, subset: "v2", port: 80, weight: 100 }] },
        timeoutMs: 61_500,
        retries: { attempts: 3, perTryTimeoutMs: 100, retryOn: ["5xx", "reset"] },
      },
      {
        matches: [],
        action: { kind: "forward", destinations: [{ host, weight: 100 }] },
        timeoutMs: 0,
        retries: { attempts: 0 },
      },
    ],
    exportTo: ["*"],
    tcp: [],
    tls: [],
  });
  expect(warnings).toEqual([]);
});

describe("durations", () => {
  test.each([
    ["1.5s", 1500],
    ["100ms", 100],
    ["1h2m3s4ms", 3_723_004],
    ["0.001s", 1],
    ["1.1s", 1100],
    ["2147483647ms", 2_147_483_647],
  ])("%s is %d ms", (text, timeoutMs) => {
    expect(accepted(virtualService(`{${TO_B}, timeout: ${text}}`)).value).toMatchObject({ http: [{ timeoutMs }] });
  });
  test.each(["1", "'1'", "s", "-1s", "1 s", "1d", "1us", "0.5ms", "0.0001s", "1e3s", "25d", "2147483648ms", "600h"])(
    "%s is refused",
    (text) => {
      expect(refused(virtualService(`{${TO_B}, timeout: ${text}}`))).toHaveLength(1);
    },
  );
  test("a limit of zero for each try makes no sense", () => {
    const problems = refused(virtualService(`{${TO_B}, retries: {attempts: 1, perTryTimeout: 0s}}`));
    expect(problems).toEqual(["OutOfRange spec.http[0].retries.perTryTimeout"]);
  });
});

const shares = (...weights: readonly (string | undefined)[]) =>
  `{route: [${weights.map((weight) => `{destination: {host: b}${weight === undefined ? "" : `, weight: ${weight}`}}`).join(", ")}]}`;

test.each([
  [shares("0", "0"), ["WeightSum spec.http[0].route"]],
  [shares(undefined, undefined), ["WeightSum spec.http[0].route"]],
  [shares("1000001", "-1"), ["OutOfRange spec.http[0].route[0].weight", "OutOfRange spec.http[0].route[1].weight"]],
  [shares("33.3", "66.7"), ["WrongType spec.http[0].route[0].weight", "WrongType spec.http[0].route[1].weight"]],
  [shares("'90'", "10"), ["WrongType spec.http[0].route[0].weight"]],
  ["{route: []}", ["OutOfRange spec.http[0].route"]],
  ["{}", ["MissingField spec.http[0].route"]],
  ["5", ["WrongType spec.http[0]"]],
  ["{route: [{}]}", ["MissingField spec.http[0].route[0].destination"]],
  [
    "{route: [{host: b}]}",
    ["MissingField spec.http[0].route[0].destination", "UnknownField spec.http[0].route[0].host"],
  ],
  ["{route: [{destination: {}}]}", ["MissingField spec.http[0].route[0].destination.host"]],
  ["{route: [{destination: {host: b, port: 80}}]}", ["WrongType spec.http[0].route[0].destination.port"]],
  ["{route: [{destination: {host: b, port: {}}}]}", ["MissingField spec.http[0].route[0].destination.port.number"]],
  ["{route: [{destination: {host: b, subset: V1}}]}", ["InvalidName spec.http[0].route[0].destination.subset"]],
  [`{${TO_B}, match: {uri: {}}}`, ["WrongType spec.http[0].match"]],
  [`{${TO_B}, match: [{uri: /a}]}`, ["WrongType spec.http[0].match[0].uri"]],
  [`{${TO_B}, match: [{uri: {}}]}`, ["InvalidValue spec.http[0].match[0].uri"]],
  [`{${TO_B}, match: [{uri: {exact: /a, prefix: /b}}]}`, ["InvalidValue spec.http[0].match[0].uri"]],
  [
    `{${TO_B}, match: [{uri: {sufix: /a}}]}`,
    ["InvalidValue spec.http[0].match[0].uri", "UnknownField spec.http[0].match[0].uri.sufix"],
  ],
  [`{${TO_B}, match: [{uri: {prefix: ''}}]}`, ["InvalidValue spec.http[0].match[0].uri.prefix"]],
  [`{${TO_B}, match: [{uri: {regex: '(a'}}]}`, ["InvalidRegex spec.http[0].match[0].uri.regex"]],
  [`{${TO_B}, match: [{headers: {a: {exact: 1}}}]}`, ["WrongType spec.http[0].match[0].headers.a.exact"]],
  [`{${TO_B}, match: [{headers: {a b: {}}}]}`, ['InvalidName spec.http[0].match[0].headers["a b"]']],
  [`{${TO_B}, match: [{headers: {':path': {}}}]}`, ['InvalidName spec.http[0].match[0].headers[":path"]']],
  [`{${TO_B}, match: [{headers: {A: {}, a: {}}}]}`, ["DuplicateName spec.http[0].match[0].headers"]],
  [`{${TO_B}, retries: {}}`, ["MissingField spec.http[0].retries.attempts"]],
  [`{${TO_B}, retries: {attempts: -1}}`, ["OutOfRange spec.http[0].retries.attempts"]],
  [`{${TO_B}, retries: {attempts: 1, retryOn: 5x}}`, ["InvalidValue spec.http[0].retries.retryOn"]],
  [`{${TO_B}, retries: {attempts: 1, retryOn: '999'}}`, ["InvalidValue spec.http[0].retries.retryOn"]],
  [`{${TO_B}, retries: {attempts: 1, backoff: 0s}}`, ["OutOfRange spec.http[0].retries.backoff"]],
  [
    `{${TO_B}, retries: {attempts: 1, retryRemoteLocalities: yes}}`,
    ["WrongType spec.http[0].retries.retryRemoteLocalities"],
  ],
])("route %s is refused", (route, problems) => {
  expect(refused(virtualService(route))).toEqual(problems);
});

test.each([
  ["{hosts: ['*.*'], http: [{route: [{destination: {host: b}}]}]}", ["InvalidHost spec.hosts[0]"]],
  ["{hosts: ['a.*'], http: [{route: [{destination: {host: b}}]}]}", ["UnsupportedValue spec.hosts[0]"]],
  ["{hosts: [10.0.0.1], http: [{route: [{destination: {host: b}}]}]}", ["UnsupportedValue spec.hosts[0]"]],
  ["{hosts: [b]}", ["MissingField spec.http"]],
  ["{hosts: [b], http: []}", ["MissingField spec.http"]],
  [
    "{hosts: [b], gateways: [ingress], http: [{route: [{destination: {host: b}}]}]}",
    ["UnsupportedValue spec.gateways[0]", "UnsupportedValue spec.gateways"],
  ],
  ["{hosts: [b], hppt: [{}]}", ["MissingField spec.http", "UnknownField spec.hppt"]],
  ["{gateways: [mesh], http: [{route: [{destination: {host: b}}]}]}", ["Conflict spec.gateways"]],
  ["{tcp: [{route: [{destination: {host: b}}]}]}", ["Conflict spec.tcp"]],
  ["{http: [{delegate: {name: x}}]}", ["Conflict spec.http[0].delegate"]],
  ["{hosts: [b], exportTo: [A], http: [{route: [{destination: {host: b}}]}]}", ["InvalidName spec.exportTo[0]"]],
])("%s is refused", (spec, problems) => {
  expect(refused(objectOf("VirtualService", spec))).toEqual(problems);
});

test.each([
  [shares("90", "20"), ["WeightSum spec.http[0].route"], [90, 20]],
  [shares("50", "49"), ["WeightSum spec.http[0].route"], [50, 49]],
  [shares("3", "1"), [], [3, 1]],
  [shares("100", undefined), ["MissingField spec.http[0].route[1].weight"], [100, 0]],
  [shares("0"), [], [100]],
])("weights are shares of their sum: %s", (route, problems, weights) => {
  const { value, warnings } = accepted(virtualService(route));
  expect(warnings).toEqual(problems);
  expect(value).toMatchObject({ http: [{ action: { destinations: weights.map((weight) => ({ weight })) } }] });
});

test("warns of what can never happen", () => {
  expect(accepted(virtualService(`{${TO_B}}, {${TO_B}, match: [{uri: {prefix: /a}}]}`)).warnings).toEqual([
    "UnreachableRoute spec.http[1]",
  ]);
  expect(accepted(virtualService(`{${TO_B}, match: [{uri: {exact: a}}]}`)).warnings).toEqual([
    "NeverMatches spec.http[0].match[0].uri.exact",
  ]);
});
