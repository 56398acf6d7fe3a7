import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import type { AuthorizationPolicy } from "../model/authorization-policy.js";
import { decodeObject } from "./decode.js";
import { accepted, objectOf, refused } from "./decoding.js";

const policy = (spec: string, metadata?: string) => objectOf("AuthorizationPolicy", spec, metadata);
const read = (spec: string, metadata?: string) => accepted(policy(spec, metadata));
const rules = (spec: string) => (read(spec).value as AuthorizationPolicy).rules;

const EMPTY = { namespace: "default", name: "x", action: "ALLOW", dryRun: false, rules: [] };
const ANY = { from: [], to: [], when: [] };

test.each([
  ["{}", {}],
  ["{rules: [{}]}", { rules: [ANY] }],
  ["{action: DENY, rules: [{}]}", { action: "DENY", rules: [ANY] }],
  ["{action: AUDIT, rules: [{}]}", { action: "AUDIT", rules: [ANY] }],
  ["{selector: {matchLabels: {app: a}}}", { selector: { app: "a" } }],
  ["{targetRefs: [{kind: Service, name: s}, {kind: Service, group: core, name: b}]}", { targetServices: ["b", "s"] }],
  ["{rules: [{from: [], to: [], when: []}]}", { rules: [ANY] }],
])("%s is read", (spec, over) => {
  expect(read(spec).value).toEqual({ ...EMPTY, ...over });
});

const exact = (value: string) => ({ kind: "exact", value });
const prefix = (value: string) => ({ kind: "prefix", value });
const suffix = (value: string) => ({ kind: "suffix", value });

describe("sources", () => {
  it.each([
    ["principals: [td/ns/a/sa/b]", "source.principal", [exact("td/ns/a/sa/b")]],
    ["principals: ['*', 'td/*', '*/b']", "source.principal", [{ kind: "present" }, prefix("td/"), suffix("/b")]],
    ["namespaces: [a, 'b*']", "source.namespace", [exact("a"), prefix("b")]],
    ["serviceAccounts: [a, other/b]", "source.serviceAccount", [exact("default/a"), exact("other/b")]],
    ["trustDomains: [td]", "source.trustDomain", [exact("td")]],
    ["requestPrincipals: ['https://i/s', 'i/*']", "request.auth.principal", [exact("https://i/s"), prefix("i/")]],
    [
      "ipBlocks: [10.0.0.1, 10.0.0.0/8]",
      "source.ip",
      [
        { address: "10.0.0.1", bits: 32 },
        { address: "10.0.0.0", bits: 8 },
      ],
    ],
    [
      "remoteIpBlocks: ['fd00::/8', '::1']",
      "remote.ip",
      [
        { address: "fd00::", bits: 8 },
        { address: "::1", bits: 128 },
      ],
    ],
  ])("%s", (text, attribute, values) => {
    const negative = `not${text[0]?.toUpperCase()}${text.slice(1)}`;
    const [one, two] = [text, negative].map((source) => rules(`{rules: [{from: [{source: {${source}}}]}]}`)[0]?.from);
    expect(one).toEqual([[{ attribute, values, notValues: [] }]]);
    expect(two).toEqual([[{ attribute, values: [], notValues: values }]]);
  });
});

describe("operations", () => {
  it.each([
    ["hosts: [a.b, '*.b']", "request.host", [exact("a.b"), suffix(".b")]],
    ["methods: [GET, 'P*']", "request.method", [exact("GET"), prefix("P")]],
    ["ports: ['80']", "destination.port", [80]],
    [
      "paths: [/a, '/a*', '*.txt', '*']",
      "request.path",
      [exact("/a"), prefix("/a"), suffix(".txt"), { kind: "present" }],
    ],
    [
      "paths: ['/a/{*}/b', '/a/{**}']",
      "request.path",
      [
        { kind: "template", value: "/a/{*}/b" },
        { kind: "template", value: "/a/{**}" },
      ],
    ],
  ])("%s", (text, attribute, values) => {
    const negative = `not${text[0]?.toUpperCase()}${text.slice(1)}`;
    const [one, two] = [text, negative].map((o) => rules(`{rules: [{to: [{operation: {${o}}}]}]}`)[0]?.to);
    expect(one).toEqual([[{ attribute, values, notValues: [] }]]);
    expect(two).toEqual([[{ attribute, values: [], notValues: values }]]);
  });
});

test.each([
  ["request.headers[X-Token]", "[a*]", { attribute: "request.headers", name: "x-token", values: [prefix("a")] }],
  [
    "request.auth.claims[a][b.c]",
    "[x]",
    { attribute: "request.auth.claims", path: ["a", "b.c"], values: [exact("x")] },
  ],
  ["request.auth.audiences", "[x]", { attribute: "request.auth.audiences", values: [exact("x")] }],
  ["request.auth.presenter", "[x]", { attribute: "request.auth.presenter", values: [exact("x")] }],
  ["request.auth.principal", "[i/s]", { attribute: "request.auth.principal", values: [exact("i/s")] }],
  ["source.ip", "[1.2.3.4]", { attribute: "source.ip", values: [{ address: "1.2.3.4", bits: 32 }] }],
  ["remote.ip", "[1.2.3.4]", { attribute: "remote.ip", values: [{ address: "1.2.3.4", bits: 32 }] }],
  ["source.namespace", "[a]", { attribute: "source.namespace", values: [exact("a")] }],
  ["source.principal", "[a/b]", { attribute: "source.principal", values: [exact("a/b")] }],
  ["source.serviceAccount", "[a]", { attribute: "source.serviceAccount", values: [exact("default/a")] }],
  ["destination.ip", "[1.2.3.4]", { attribute: "destination.ip", values: [{ address: "1.2.3.4", bits: 32 }] }],
  ["destination.port", "['80']", { attribute: "destination.port", values: [80] }],
  ["connection.sni", "['*.a']", { attribute: "connection.sni", values: [suffix(".a")] }],
])("a condition of %s is read", (key, values, condition) => {
  const [rule] = rules(`{rules: [{when: [{key: '${key}', values: ${values}}]}]}`);
  expect(rule?.when).toEqual([{ notValues: [], ...condition }]);
});

const WHEN = "spec.rules[0].when[0]";
const SOURCE = "spec.rules[0].from[0].source";
const OPERATION = "spec.rules[0].to[0].operation";

test.each([
  [
    "{action: CUSTOM, provider: {name: x}, rules: [{}]}",
    ["UnsupportedValue spec.action", "UnsupportedField spec.provider"],
  ],
  ["{action: deny}", ["InvalidValue spec.action"]],
  ["{rule: [{}]}", ["UnknownField spec.rule"]],
  ["{rules: {}}", ["WrongType spec.rules"]],
  ["{rules: [null]}", ["WrongType spec.rules[0]"]],
  ["{rules: [{paths: [/a]}]}", ["UnknownField spec.rules[0].paths"]],
  [
    "{rules: [{from: [{principals: [a]}]}]}",
    ["MissingField spec.rules[0].from[0].source", "UnknownField spec.rules[0].from[0].principals"],
  ],
  ["{rules: [{from: [{source: {}}]}]}", [`MissingField ${SOURCE}`]],
  ["{rules: [{from: [{source: {principals: []}}]}]}", [`MissingField ${SOURCE}`]],
  ["{rules: [{to: [{operation: {}}]}]}", [`MissingField ${OPERATION}`]],
  ["{rules: [{to: [{}]}]}", [`MissingField ${OPERATION}`]],
  ["{rules: [{from: [{source: {principals: ['']}}]}]}", [`InvalidValue ${SOURCE}.principals[0]`]],
  ["{rules: [{from: [{source: {principals: ['spiffe://a/ns/b/sa/c']}}]}]}", [`InvalidValue ${SOURCE}.principals[0]`]],
  ["{rules: [{from: [{source: {principals: ['a/ns/*/sa/c']}}]}]}", [`InvalidValue ${SOURCE}.principals[0]`]],
  ["{rules: [{from: [{source: {requestPrincipals: [alice]}}]}]}", [`InvalidValue ${SOURCE}.requestPrincipals[0]`]],
  ["{rules: [{from: [{source: {serviceAccounts: ['*']}}]}]}", [`InvalidValue ${SOURCE}.serviceAccounts[0]`]],
  [
    "{rules: [{from: [{source: {serviceAccounts: [a], namespaces: [b]}}]}]}",
    [`ConflictingFields ${SOURCE}.namespaces`],
  ],
  ["{rules: [{from: [{source: {ipBlocks: [10.0.0.0/33]}}]}]}", [`InvalidAddress ${SOURCE}.ipBlocks[0]`]],
  ["{rules: [{from: [{source: {ipBlocks: [localhost]}}]}]}", [`InvalidAddress ${SOURCE}.ipBlocks[0]`]],
  ["{rules: [{from: [{source: {ipBlocks: ['1::2::3']}}]}]}", [`InvalidAddress ${SOURCE}.ipBlocks[0]`]],
  ["{rules: [{to: [{operation: {ports: [80]}}]}]}", [`WrongType ${OPERATION}.ports[0]`]],
  ["{rules: [{to: [{operation: {ports: ['0']}}]}]}", [`OutOfRange ${OPERATION}.ports[0]`]],
  ["{rules: [{to: [{operation: {methods: [get]}}]}]}", [`InvalidValue ${OPERATION}.methods[0]`]],
  ["{rules: [{to: [{operation: {paths: [a]}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a/*/b']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a/{x}']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/{**}/{*}']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a/{*}*']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a?b']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a%2Fb']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a//b']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{to: [{operation: {paths: ['/a/../b']}}]}]}", [`InvalidPath ${OPERATION}.paths[0]`]],
  ["{rules: [{when: [{values: [a]}]}]}", [`MissingField ${WHEN}.key`]],
  ["{rules: [{when: [{key: source.ip}]}]}", [`MissingField ${WHEN}.values`]],
  ["{rules: [{when: [{key: source.ipp, values: [a]}]}]}", [`UnknownKey ${WHEN}.key`]],
  ["{rules: [{when: [{key: request.path, values: [/a]}]}]}", [`UnknownKey ${WHEN}.key`]],
  ["{rules: [{when: [{key: 'request.headers[]', values: [a]}]}]}", [`UnknownKey ${WHEN}.key`]],
  ["{rules: [{when: [{key: 'request.headers[a b]', values: [a]}]}]}", [`InvalidValue ${WHEN}.key`]],
  ["{rules: [{when: [{key: 'request.headers[:path]', values: [a]}]}]}", [`InvalidValue ${WHEN}.key`]],
  ["{rules: [{when: [{key: 'experimental.envoy.filters.a[b]', values: [a]}]}]}", [`UnsupportedValue ${WHEN}.key`]],
  ["{selector: {matchLabels: {a: b}}, targetRefs: [{kind: Service, name: s}]}", ["ConflictingFields spec.targetRefs"]],
  ["{targetRefs: [{kind: Gateway, name: s}]}", ["UnsupportedValue spec.targetRefs[0].kind"]],
])("%s is refused", (spec, problems) => {
  expect(refused(policy(spec))).toEqual(problems);
});

describe("dry run", () => {
  const annotated = (value: string) => `{name: x, annotations: {istio.io/dry-run: ${value}}}`;
  it.each([
    ['"true"', true],
    ['"false"', false],
  ])("%s", (value, dryRun) => {
    expect(read("{}", annotated(value)).value).toMatchObject({ dryRun });
  });

  it("refuses other words, so that nothing is enforced, or not enforced, by a slip", () => {
    expect(refused(policy("{}", annotated('"yes"')))).toEqual([
      'InvalidValue metadata.annotations["istio.io/dry-run"]',
    ]);
  });
});

it("says that a DENY without rules does nothing", () => {
  expect(read("{action: DENY}").warnings).toEqual(["NeverMatches spec.rules"]);
  expect(read("{}").warnings).toEqual([]);
});

describe("what stands for an object that is wrong", () => {
  const standIn = (yaml: string) => {
    const result = decodeObject(parse(yaml));
    return result.ok ? "right" : result.standIn?.value;
  };
  const DENIAL = { ...EMPTY, action: "DENY", rules: [ANY], standIn: true };

  it.each([
    ["{rulez: []}", DENIAL],
    ["{action: DNEY}", DENIAL],
    ["{action: CUSTOM, rules: [{}]}", DENIAL],
    ["{selector: {matchLabels: {app: a}}, rules: x}", { ...DENIAL, selector: { app: "a" } }],
    ["{targetRefs: [{kind: Service, name: s}], rules: x}", { ...DENIAL, targetServices: ["s"] }],
    // It cannot be read what it is for.
    ["{selector: {matchLables: {app: a}}}", undefined],
    ["{targetRefs: [{kind: Gateway, name: s}]}", undefined],
    ["[]", undefined],
    // It would deny nothing.
    ["{action: AUDIT, rules: x}", undefined],
    ["{}", "right"],
  ])("%s", (spec, expected) => {
    expect(standIn(policy(spec))).toEqual(expected);
  });

  it("is nothing for a dry run, and for an object without a right name", () => {
    expect(standIn(policy("{rules: x}", "{name: x, annotations: {istio.io/dry-run: 'true'}}"))).toBeUndefined();
    expect(standIn(policy("{rules: x}", "{name: X_}"))).toBeUndefined();
  });

  it("is there for another version of the API too", () => {
    expect(standIn(policy("{rules: []}").replace("/v1", "/v2"))).toEqual(DENIAL);
  });
});
