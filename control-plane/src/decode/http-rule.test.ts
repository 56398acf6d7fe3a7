import { describe, expect, test } from "vitest";
import type { VirtualService } from "../model/virtual-service.js";
import { accepted, objectOf, refused } from "./decoding.js";

const TO_B = "route: [{destination: {host: b}}]";
const rule = (text: string) => objectOf("VirtualService", `{hosts: [backend], http: [{${text}}]}`);
const firstRule = (text: string) => (accepted(rule(text)).value as VirtualService).http[0];
const destination = { host: "b.default.svc.cluster.local", weight: 100 };
const forward = { kind: "forward", destinations: [destination] };
const base64 = Buffer.from("hi").toString("base64");

test.each<[string, object]>([
  ["match: [{name: a}]", { name: "a" }],
  ["match: [{uri: {prefix: /A}, ignoreUriCase: true}]", { uri: { kind: "prefix", value: "/A" }, ignoreUriCase: true }],
  ["match: [{ignoreUriCase: false}]", {}],
  ["match: [{scheme: {exact: http}}]", { scheme: { kind: "exact", value: "http" } }],
  ["match: [{authority: {prefix: b}}]", { authority: { kind: "prefix", value: "b" } }],
  [
    "match: [{withoutHeaders: {X-A: {exact: b}}}]",
    { headers: [{ name: "x-a", match: { kind: "exact", value: "b" }, invert: true }] },
  ],
  ["match: [{withoutHeaders: {x: {}}}]", { headers: [{ name: "x", invert: true }] }],
  [
    "match: [{queryParams: {A: {exact: ''}, b: {}, c: {regex: '*'}, d: {regex: '[0-9]+'}}}]",
    {
      queryParams: [
        { name: "A", match: { kind: "exact", value: "" } },
        { name: "b" },
        { name: "c" },
        { name: "d", match: { kind: "regex", value: "[0-9]+" } },
      ],
    },
  ],
  ["match: [{port: 80}]", { port: 80 }],
  ["match: [{sourceLabels: {app: a}}]", { sourceLabels: { app: "a" } }],
  ["match: [{sourceLabels: {}}]", {}],
  ["match: [{sourceNamespace: n}]", { sourceNamespace: "n" }],
  ["match: [{statPrefix: a_b.c-d}]", { statPrefix: "a_b.c-d" }],
  ["match: [{gateways: [mesh]}]", {}],
])("%s", (text, match) => {
  expect(firstRule(`${text}, ${TO_B}`)?.matches).toEqual([{ headers: [], queryParams: [], ...match }]);
});

test.each<[string, object]>([
  ["redirect: {uri: /new}", { path: { kind: "full", value: "/new" }, status: 301 }],
  ["redirect: {authority: a.example, redirectCode: 307}", { authority: "a.example", status: 307 }],
  ["redirect: {scheme: https, port: 8443}", { scheme: "https", port: 8443, status: 301 }],
  ["redirect: {derivePort: FROM_REQUEST_PORT}", { port: "request", status: 301 }],
  ["redirect: {derivePort: FROM_PROTOCOL_DEFAULT, scheme: https}", { port: "scheme", scheme: "https", status: 301 }],
])("%s", (text, redirect) => {
  expect(firstRule(text)).toEqual({ matches: [], action: { kind: "redirect", redirect } });
});

test.each<[string, object]>([
  ["directResponse: {status: 503}", { status: 503 }],
  ["directResponse: {status: 200, body: {string: hi}}", { status: 200, body: { kind: "text", value: "hi" } }],
  ["directResponse: {status: 200, body: {string: ''}}", { status: 200, body: { kind: "text", value: "" } }],
  [`directResponse: {status: 200, body: {bytes: ${base64}}}`, { status: 200, body: { kind: "base64", value: base64 } }],
])("%s", (text, response) => {
  expect(firstRule(text)).toEqual({ matches: [], action: { kind: "respond", response } });
});

const NO_CHANGES = { set: [], add: [], remove: [] };

test.each<[string, object]>([
  ["rewrite: {uri: /v2}", { rewrite: { path: { kind: "prefix", value: "/v2" } } }],
  ["rewrite: {authority: 'a:80'}", { rewrite: { authority: "a:80" } }],
  [
    String.raw`rewrite: {uriRegexRewrite: {match: "/a/(.*)", rewrite: '/b/\1'}}`,
    { rewrite: { path: { kind: "regex", regex: "/a/(.*)", substitution: "/b/\\1" } } },
  ],
  [
    "fault: {delay: {percentage: {value: 0.1}, fixedDelay: 5s}}",
    { fault: { delay: { percentage: 0.1, delayMs: 5000 } } },
  ],
  ["fault: {delay: {percent: 5, fixedDelay: 5s}}", { fault: { delay: { percentage: 5, delayMs: 5000 } } }],
  [
    "fault: {abort: {percentage: {value: 100}, httpStatus: 503}}",
    { fault: { abort: { percentage: 100, status: { kind: "http", code: 503 } } } },
  ],
  [
    "fault: {abort: {percentage: {value: 50}, grpcStatus: UNAVAILABLE}}",
    { fault: { abort: { percentage: 50, status: { kind: "grpc", code: 14 } } } },
  ],
  ["mirror: {host: m}", { mirrors: [{ host: "m.default.svc.cluster.local", percentage: 100 }] }],
  [
    "mirror: {host: m}, mirrorPercentage: {value: 2.5}",
    { mirrors: [{ host: "m.default.svc.cluster.local", percentage: 2.5 }] },
  ],
  ["mirror: {host: m}, mirrorPercent: 3", { mirrors: [{ host: "m.default.svc.cluster.local", percentage: 3 }] }],
  ["mirror: {host: m}, mirrorPercentage: {value: 0}", { mirrors: [] }],
  [
    "mirrors: [{destination: {host: m, subset: v1, port: {number: 80}}}, {destination: {host: o.example}, percentage: {value: 1}}]",
    {
      mirrors: [
        { host: "m.default.svc.cluster.local", subset: "v1", port: 80, percentage: 100 },
        { host: "o.example", percentage: 1 },
      ],
    },
  ],
  [
    "headers: {request: {set: {X-B: '1', a: '%REQ(x-y)%'}, add: {c: '%%'}, remove: [D, d]}, response: {remove: [server]}}",
    {
      headers: {
        request: {
          set: [
            { name: "a", value: "%REQ(x-y)%" },
            { name: "x-b", value: "1" },
          ],
          add: [{ name: "c", value: "%%" }],
          remove: ["d"],
        },
        response: { ...NO_CHANGES, remove: ["server"] },
      },
    },
  ],
  ["headers: {request: {set: {Host: other}}}", { headers: { authority: "other" } }],
  ["headers: {request: {add: {':authority': 'other:80'}}}", { headers: { authority: "other:80" } }],
  ["headers: {request: {}}", {}],
  [
    "corsPolicy: {allowOrigins: [{prefix: 'https://a'}], allowMethods: [GET], allowHeaders: [x-a], exposeHeaders: [x-b], maxAge: 1m, allowCredentials: true, unmatchedPreflights: IGNORE}",
    {
      cors: {
        allowOrigins: [{ kind: "prefix", value: "https://a" }],
        allowMethods: ["GET"],
        allowHeaders: ["x-a"],
        exposeHeaders: ["x-b"],
        maxAgeSeconds: 60,
        allowCredentials: true,
        forwardUnmatchedPreflights: false,
      },
    },
  ],
  [
    "corsPolicy: {allowOrigin: ['*']}",
    {
      cors: {
        allowOrigins: [{ kind: "exact", value: "*" }],
        allowMethods: [],
        allowHeaders: [],
        exposeHeaders: [],
        forwardUnmatchedPreflights: true,
      },
    },
  ],
  [
    "retries: {attempts: 2, retryOn: '503,reset,429', backoff: 10ms, retryRemoteLocalities: true, retryIgnorePreviousHosts: false}",
    {
      retries: {
        attempts: 2,
        retryOn: ["reset", "retriable-status-codes"],
        statusCodes: [429, 503],
        backoffMs: 10,
        remoteLocalities: true,
        avoidPreviousHosts: false,
      },
    },
  ],
])("%s", (text, parts) => {
  const { value, warnings } = accepted(rule(`${text}, ${TO_B}`));
  expect((value as VirtualService).http).toEqual([{ matches: [], action: forward, ...parts }]);
  expect(warnings).toEqual([]);
});

test("headers of a destination", () => {
  const text =
    "route: [{destination: {host: b}, headers: {request: {set: {a: b}}}}, {destination: {host: c}, weight: 1}]";
  expect(firstRule(text)).toMatchObject({
    action: {
      destinations: [{ headers: { request: { ...NO_CHANGES, set: [{ name: "a", value: "b" }] } } }, { weight: 1 }],
    },
  });
});

test("a rule may delegate, in its namespace or another's", () => {
  expect(firstRule("match: [{uri: {prefix: /a}}], timeout: 1s, delegate: {name: x}")).toEqual({
    matches: [{ headers: [], queryParams: [], uri: { kind: "prefix", value: "/a" } }],
    timeoutMs: 1000,
    delegate: { namespace: "default", name: "x" },
  });
  expect(firstRule("delegate: {name: x, namespace: n}")).toMatchObject({ delegate: { namespace: "n", name: "x" } });
});

describe("rules for gateways", () => {
  test("have no place in the mesh, and the others say where they stood", () => {
    const text = `{hosts: [b], gateways: [mesh, in], http: [{match: [{gateways: [in]}], ${TO_B}}, {${TO_B}}]}`;
    const { value, warnings } = accepted(objectOf("VirtualService", text));
    expect(value).toMatchObject({ http: [{ position: 1, matches: [] }] });
    expect(warnings).toEqual([
      "UnsupportedValue spec.gateways[1]",
      "UnsupportedValue spec.http[0].match[0].gateways[0]",
    ]);
  });
  test("that are for the mesh too keep the other matches", () => {
    const matches = firstRule(`match: [{gateways: [in]}, {port: 80}], ${TO_B}`)?.matches;
    expect(matches).toEqual([{ headers: [], queryParams: [], port: 80 }]);
  });
});

test.each<[string, string[]]>([
  [`${TO_B}, redirect: {uri: /a}`, ["Conflict spec.http[0]"]],
  [`${TO_B}, directResponse: {status: 200}`, ["Conflict spec.http[0]"]],
  [`${TO_B}, delegate: {name: x}`, ["Conflict spec.http[0]"]],
  ["delegate: {}", ["MissingField spec.http[0].delegate.name"]],
  ["redirect: {}", ["InvalidValue spec.http[0].redirect"]],
  ["redirect: {uri: a}", ["InvalidPath spec.http[0].redirect.uri"]],
  ["redirect: {uri: '/a b'}", ["InvalidPath spec.http[0].redirect.uri"]],
  ["redirect: {authority: 'a b'}", ["InvalidHost spec.http[0].redirect.authority"]],
  ["redirect: {scheme: ftp}", ["InvalidValue spec.http[0].redirect.scheme"]],
  ["redirect: {port: 80, derivePort: FROM_REQUEST_PORT}", ["Conflict spec.http[0].redirect"]],
  ["redirect: {uri: /a, redirectCode: 300}", ["InvalidValue spec.http[0].redirect.redirectCode"]],
  ["redirect: {uri: /a, redirectCode: 200}", ["OutOfRange spec.http[0].redirect.redirectCode"]],
  ["redirect: {uri: /a}, rewrite: {uri: /b}", ["Conflict spec.http[0].rewrite"]],
  [
    "directResponse: {status: 200}, fault: {abort: {httpStatus: 500, percentage: {value: 1}}}",
    ["Conflict spec.http[0].fault"],
  ],
  ["directResponse: {}", ["MissingField spec.http[0].directResponse.status"]],
  ["directResponse: {status: 600}", ["OutOfRange spec.http[0].directResponse.status"]],
  ["directResponse: {status: 200, body: {}}", ["InvalidValue spec.http[0].directResponse.body"]],
  ["directResponse: {status: 200, body: {bytes: '#'}}", ["InvalidValue spec.http[0].directResponse.body.bytes"]],
  [
    `directResponse: {status: 200, body: {string: ${"x".repeat(1024 * 1024 + 1)}}}`,
    ["TooLarge spec.http[0].directResponse.body.string"],
  ],
  [`${TO_B}, rewrite: {}`, ["InvalidValue spec.http[0].rewrite"]],
  [`${TO_B}, rewrite: {uri: /a, uriRegexRewrite: {match: a, rewrite: b}}`, ["Conflict spec.http[0].rewrite"]],
  [
    `${TO_B}, rewrite: {uriRegexRewrite: {match: '(', rewrite: b}}`,
    ["InvalidRegex spec.http[0].rewrite.uriRegexRewrite.match"],
  ],
  [
    String.raw`${TO_B}, rewrite: {uriRegexRewrite: {match: '(a)', rewrite: '\2'}}`,
    ["InvalidValue spec.http[0].rewrite.uriRegexRewrite.rewrite"],
  ],
  [
    String.raw`${TO_B}, rewrite: {uriRegexRewrite: {match: '(?:a)[(]\(\Q(\E', rewrite: '\1'}}`,
    ["InvalidValue spec.http[0].rewrite.uriRegexRewrite.rewrite"],
  ],
  [`${TO_B}, rewrite: {authority: a}, headers: {request: {set: {host: b}}}`, ["Conflict spec.http[0].headers.request"]],
  [`${TO_B}, fault: {}`, ["InvalidValue spec.http[0].fault"]],
  [`${TO_B}, fault: {delay: {percentage: {value: 1}}}`, ["MissingField spec.http[0].fault.delay.fixedDelay"]],
  [
    `${TO_B}, fault: {delay: {percentage: {value: 101}, fixedDelay: 1s}}`,
    ["OutOfRange spec.http[0].fault.delay.percentage.value"],
  ],
  [`${TO_B}, fault: {delay: {percentage: 10, fixedDelay: 1s}}`, ["WrongType spec.http[0].fault.delay.percentage"]],
  [
    `${TO_B}, fault: {delay: {percentage: {value: 0.00001}, fixedDelay: 1s}}`,
    ["OutOfRange spec.http[0].fault.delay.percentage.value"],
  ],
  [
    `${TO_B}, fault: {delay: {percent: 1, exponentialDelay: 1s, fixedDelay: 1s}}`,
    ["UnsupportedField spec.http[0].fault.delay.exponentialDelay"],
  ],
  [`${TO_B}, fault: {abort: {percent: 1}}`, ["InvalidValue spec.http[0].fault.abort"]],
  [
    `${TO_B}, fault: {abort: {percent: 1, grpcStatus: UNAVAILABEL}}`,
    ["InvalidValue spec.http[0].fault.abort.grpcStatus"],
  ],
  [`${TO_B}, mirror: {host: m}, mirrors: [{destination: {host: m}}]`, ["Conflict spec.http[0]"]],
  [`${TO_B}, mirrors: [{}]`, ["MissingField spec.http[0].mirrors[0].destination"]],
  [`${TO_B}, headers: {request: {set: {':path': /a}}}`, ['InvalidName spec.http[0].headers.request.set[":path"]']],
  [`${TO_B}, headers: {response: {set: {host: a}}}`, ["InvalidName spec.http[0].headers.response.set.host"]],
  [`${TO_B}, headers: {request: {remove: [host]}}`, ["InvalidName spec.http[0].headers.request.remove[0]"]],
  [`${TO_B}, headers: {request: {set: {A: b, a: c}}}`, ["DuplicateName spec.http[0].headers.request.set"]],
  [`${TO_B}, headers: {request: {set: {a: 50%}}}`, ["InvalidFormat spec.http[0].headers.request.set.a"]],
  [`${TO_B}, headers: {request: {set: {a: '%NOPE%'}}}`, ["InvalidFormat spec.http[0].headers.request.set.a"]],
  [
    `${TO_B}, headers: {request: {set: {a: '%ENVIRONMENT(HOME)%'}}}`,
    ["InvalidFormat spec.http[0].headers.request.set.a"],
  ],
  [`${TO_B}, headers: {reqest: {}}`, ["UnknownField spec.http[0].headers.reqest"]],
  [`${TO_B}, corsPolicy: {allowOrigins: ['*']}`, ["WrongType spec.http[0].corsPolicy.allowOrigins[0]"]],
  [`${TO_B}, corsPolicy: {allowOrigin: ['*'], maxAge: 1500ms}`, ["InvalidDuration spec.http[0].corsPolicy.maxAge"]],
  [
    `${TO_B}, corsPolicy: {allowOrigin: ['*'], allowMethods: ['GET, POST']}`,
    ["InvalidName spec.http[0].corsPolicy.allowMethods[0]"],
  ],
  [
    `${TO_B}, match: [{withoutHeaders: {a: {exat: b}}}]`,
    ["InvalidValue spec.http[0].match[0].withoutHeaders.a", "UnknownField spec.http[0].match[0].withoutHeaders.a.exat"],
  ],
  [
    `${TO_B}, match: [{headers: {'@request.auth.claims.sub': {exact: a}}}]`,
    ['InvalidName spec.http[0].match[0].headers["@request.auth.claims.sub"]'],
  ],
  [`${TO_B}, match: [{port: 0}]`, ["OutOfRange spec.http[0].match[0].port"]],
  [`${TO_B}, match: [{sourceNamespace: A}]`, ["InvalidName spec.http[0].match[0].sourceNamespace"]],
  [`${TO_B}, match: [{sourceLabels: {a: 'b c'}}]`, ["InvalidLabel spec.http[0].match[0].sourceLabels.a"]],
  [`${TO_B}, match: [{statPrefix: 'a b'}]`, ["InvalidName spec.http[0].match[0].statPrefix"]],
  [`${TO_B}, match: [{ignoreUriCase: 'true'}]`, ["WrongType spec.http[0].match[0].ignoreUriCase"]],
])("%s is refused", (text, problems) => {
  expect(refused(rule(text))).toEqual(problems);
});

test.each<[string, string]>([
  ["redirect: {uri: /a}, timeout: 1s", "IgnoredField spec.http[0].timeout"],
  [`${TO_B}, retries: {attempts: 0, retryOn: 5xx}`, "IgnoredField spec.http[0].retries"],
  [`${TO_B}, fault: {delay: {fixedDelay: 1s}}`, "NeverMatches spec.http[0].fault.delay.percentage"],
  [`${TO_B}, corsPolicy: {allowMethods: [GET]}`, "NeverMatches spec.http[0].corsPolicy.allowOrigins"],
  [`${TO_B}, match: [{uri: {regex: /a}, ignoreUriCase: true}]`, "IgnoredField spec.http[0].match[0].ignoreUriCase"],
  [
    `directResponse: {status: 200, body: {string: ${"x".repeat(1024 * 101)}}}`,
    "LargeBody spec.http[0].directResponse.body",
  ],
])("%s is warned of", (text, warning) => {
  expect(accepted(rule(text)).warnings).toEqual([warning]);
});
