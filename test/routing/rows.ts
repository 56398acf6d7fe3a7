/*
 * VirtualServices and what becomes of requests under them. Each group is one VirtualService for a host of its own,
 * `<name>.test`, unless it says other hosts. A request is `METHOD /path | header: value`; what is expected begins with
 * who answers (`a-v1 /path`, as the backend saw it) or the status, and goes on with headers: `> x: 1` reached the
 * backend, `> x` did not, `< x: 1` came back, `< x` did not.
 */

export interface Group {
  readonly name: string;
  /** The spec, without `hosts` unless there are others than the group's own. */
  readonly spec: string;
  /** Other objects that it needs. */
  readonly objects?: string;
  readonly rows: readonly (readonly [request: string, expected: string])[];
}

const A = "route: [{destination: {host: a, subset: v1}}]";
const A2 = "route: [{destination: {host: a, subset: v2}}]";
const B = "route: [{destination: {host: b}}]";
const REST = `{${B}}`;

/** Rules that send what they match to a, and a last one that sends the rest to b. */
const matching = (...matches: readonly string[]) =>
  `http: [${matches.map((match) => `{match: [${match}], ${A}}`).join(", ")}, ${REST}]`;

export const GROUPS: readonly Group[] = [
  {
    name: "uri",
    spec: matching("{uri: {exact: /exact}}", "{uri: {prefix: /pre}}", '{uri: {regex: "/re/[0-9]+"}}'),
    rows: [
      ["GET /exact", "a-v1 /exact"],
      ["GET /exact?q=1", "a-v1 /exact?q=1"],
      ["GET /exact/", "b /exact/"],
      ["GET /EXACT", "b /EXACT"],
      ["GET /pre", "a-v1 /pre"],
      ["GET /prefix", "a-v1 /prefix"],
      ["GET /pre/fix", "a-v1 /pre/fix"],
      ["GET /x/pre", "b /x/pre"],
      ["GET /re/42", "a-v1 /re/42"],
      ["GET /re/42?q", "a-v1 /re/42?q"],
      ["GET /re/42/", "b /re/42/"],
      ["GET /re/x", "b /re/x"],
      ["GET /", "b /"],
    ],
  },
  {
    name: "case",
    spec: matching("{uri: {exact: /Exact}, ignoreUriCase: true}", "{uri: {prefix: /Pre}, ignoreUriCase: true}"),
    rows: [
      ["GET /eXACT", "a-v1 /eXACT"],
      ["GET /PREfix", "a-v1 /PREfix"],
      ["GET /other", "b /other"],
    ],
  },
  {
    name: "method",
    spec: matching("{method: {exact: POST}}", '{method: {regex: "PUT|DELETE"}}', "{method: {prefix: PA}}"),
    rows: [
      ["POST /", "a-v1 /"],
      ["PUT /", "a-v1 /"],
      ["DELETE /", "a-v1 /"],
      ["PATCH /", "a-v1 /"],
      ["GET /", "b /"],
    ],
  },
  {
    name: "scheme",
    spec: matching("{scheme: {exact: https}}", "{scheme: {exact: http}, uri: {prefix: /http}}"),
    rows: [
      ["GET /http", "a-v1 /http"],
      ["GET /", "b /"],
    ],
  },
  {
    name: "authority",
    spec: `hosts: [authority.test, also.test], ${matching("{authority: {exact: also.test}}", "{authority: {prefix: 'authority.test:8'}}")}`,
    rows: [
      ["GET / | host: also.test", "a-v1 /"],
      ["GET / | host: authority.test:80", "a-v1 /"],
      ["GET / | host: authority.test", "b /"],
    ],
  },
  {
    name: "headers",
    spec: matching(
      "{headers: {x-exact: {exact: one}}}",
      "{headers: {X-Prefix: {prefix: on}}}",
      '{headers: {x-regex: {regex: "o.*e"}}}',
      "{headers: {x-present: {}}}",
      '{headers: {x-any: {regex: "*"}}}',
      "{headers: {x-both: {exact: a}, x-two: {exact: b}}}",
    ),
    rows: [
      ["GET / | x-exact: one", "a-v1 /"],
      ["GET / | X-EXACT: one", "a-v1 /"],
      ["GET / | x-exact: One", "b /"],
      ["GET / | x-exact: ones", "b /"],
      ["GET / | x-prefix: once", "a-v1 /"],
      ["GET / | x-prefix: no", "b /"],
      ["GET / | x-regex: ounce", "a-v1 /"],
      ["GET / | x-regex: ouncer", "b /"],
      ["GET / | x-present: ", "a-v1 /"],
      ["GET / | x-present: any", "a-v1 /"],
      ["GET / | x-any: x", "a-v1 /"],
      ["GET / | x-both: a", "b /"],
      ["GET / | x-both: a | x-two: b", "a-v1 /"],
      ["GET /", "b /"],
    ],
  },
  {
    name: "without",
    spec: matching(
      "{uri: {prefix: /present}, withoutHeaders: {x-a: {}}}",
      "{uri: {prefix: /value}, withoutHeaders: {x-a: {exact: no}}}",
      "{uri: {prefix: /mixed}, headers: {x-b: {exact: yes}}, withoutHeaders: {x-a: {prefix: n}}}",
    ),
    rows: [
      ["GET /present", "a-v1 /present"],
      ["GET /present | x-a: 1", "b /present"],
      ["GET /value", "a-v1 /value"],
      ["GET /value | x-a: yes", "a-v1 /value"],
      ["GET /value | x-a: no", "b /value"],
      ["GET /mixed | x-b: yes", "a-v1 /mixed"],
      ["GET /mixed | x-b: yes | x-a: no", "b /mixed"],
      ["GET /mixed", "b /mixed"],
    ],
  },
  {
    name: "query",
    spec: matching(
      "{queryParams: {exact: {exact: one}}}",
      '{queryParams: {num: {regex: "[0-9]+"}}}',
      "{queryParams: {pre: {prefix: on}}}",
      "{queryParams: {there: {}}}",
      "{queryParams: {empty: {exact: ''}}}",
    ),
    rows: [
      ["GET /?exact=one", "a-v1 /?exact=one"],
      ["GET /?x=1&exact=one", "a-v1 /?x=1&exact=one"],
      ["GET /?exact=ones", "b /?exact=ones"],
      ["GET /?Exact=one", "b /?Exact=one"],
      ["GET /?num=42", "a-v1 /?num=42"],
      ["GET /?num=42a", "b /?num=42a"],
      ["GET /?pre=once", "a-v1 /?pre=once"],
      ["GET /?there", "a-v1 /?there"],
      ["GET /?there=1", "a-v1 /?there=1"],
      ["GET /?empty", "a-v1 /?empty"],
      ["GET /?empty=1", "b /?empty=1"],
      ["GET /", "b /"],
    ],
  },
  {
    name: "source",
    spec: matching(
      "{uri: {prefix: /gold}, sourceLabels: {tier: gold}}",
      "{uri: {prefix: /both}, sourceLabels: {tier: gold, app: frontend}}",
      "{uri: {prefix: /here}, sourceNamespace: default}",
      "{uri: {prefix: /there}, sourceNamespace: elsewhere}",
      "{uri: {prefix: /gateway}, gateways: [ingress]}",
    ).replace("http:", "gateways: [mesh, ingress], http:"),
    rows: [
      ["GET /gold", "a-v1 /gold"],
      ["GET /gold | by: other", "b /gold"],
      ["GET /both", "a-v1 /both"],
      ["GET /both | by: other", "b /both"],
      ["GET /here", "a-v1 /here"],
      ["GET /here | by: other", "a-v1 /here"],
      ["GET /there", "b /there"],
      ["GET /gateway", "b /gateway"],
    ],
  },
  {
    name: "order",
    spec: `http: [{match: [{uri: {prefix: /a}}, {headers: {x: {exact: a}}}], ${A}}, {match: [{uri: {prefix: /ab}}], ${B}}, {match: [{uri: {exact: /last}}], ${A2}}]`,
    rows: [
      ["GET /ab", "a-v1 /ab"],
      ["GET /b | x: a", "a-v1 /b"],
      ["GET /last", "a-v2 /last"],
      ["GET /none", "404"],
    ],
  },
  {
    name: "ports",
    spec: `hosts: [multi], http: [{match: [{port: 8081}], ${A}}, {match: [{port: 8082, uri: {prefix: /redirect}}], redirect: {derivePort: FROM_REQUEST_PORT, uri: /x, authority: multi}}, {match: [{port: 8082}], ${A2}}]`,
    objects: `
apiVersion: v1
kind: Service
metadata: {name: multi}
spec: {selector: {app: b}, ports: [{name: http-1, port: 8081, targetPort: 1}, {name: http-2, port: 8082, targetPort: 2}, {name: http-3, port: 8083, targetPort: 3}]}
`,
    rows: [
      ["GET / | host: multi:8081", "a-v1 /"],
      ["GET / | host: multi.default:8082", "a-v2 /"],
      ["GET /redirect | host: multi:8082", "301 | < location: http://multi:8082/x"],
    ],
  },
  {
    name: "redirect",
    spec: `http: [
      {match: [{uri: {prefix: /path}}], redirect: {uri: /new}},
      {match: [{uri: {prefix: /host}}], redirect: {authority: other.test}},
      {match: [{uri: {prefix: /scheme}}], redirect: {scheme: https, redirectCode: 308}},
      {match: [{uri: {prefix: /port}}], redirect: {port: 8443, scheme: https, redirectCode: 302}},
      {match: [{uri: {prefix: /own}}], redirect: {authority: other.test, port: 443, scheme: https, redirectCode: 303}},
      {match: [{uri: {prefix: /default}}], redirect: {derivePort: FROM_PROTOCOL_DEFAULT, scheme: https, redirectCode: 307}},
      {match: [{uri: {prefix: /headers}}], redirect: {uri: /new}, headers: {response: {set: {x-said: "yes"}}}}]`,
    rows: [
      ["GET /path/x?q=1", "301 | < location: http://redirect.test/new?q=1"],
      ["GET /host/x?q=1", "301 | < location: http://other.test/host/x?q=1"],
      ["GET /scheme", "308 | < location: https://redirect.test/scheme"],
      ["GET /port", "302 | < location: https://redirect.test:8443/port"],
      ["GET /own", "303 | < location: https://other.test/own"],
      ["GET /default | host: redirect.test:80", "307 | < location: https://redirect.test:443/default"],
      ["GET /headers", "301 | < location: http://redirect.test/new | < x-said: yes"],
    ],
  },
  {
    name: "rewrite",
    spec: `http: [
      {match: [{uri: {prefix: /old}}], rewrite: {uri: /new}, ${A}},
      {match: [{uri: {exact: /exact}}], rewrite: {uri: /whole}, ${A}},
      {match: [{uri: {regex: "/re/.*"}}], rewrite: {uri: /swapped}, ${A}},
      {match: [{uri: {prefix: /slash/}}], rewrite: {uri: /}, ${A}},
      {match: [{uri: {prefix: /host}}], rewrite: {authority: "other.test:81"}, ${A}},
      {match: [{uri: {prefix: /group}}], rewrite: {uriRegexRewrite: {match: "^/group/([^/]+)/([^/]+)", rewrite: '/\\2/\\1'}}, ${A}},
      {match: [{uri: {prefix: /all}}], rewrite: {uriRegexRewrite: {match: "l", rewrite: 'L'}}, ${A}}]`,
    rows: [
      ["GET /old/x?q=1", "a-v1 /new/x?q=1 | > host: rewrite.test"],
      ["GET /older", "a-v1 /newer"],
      ["GET /exact?q=1", "a-v1 /whole?q=1"],
      ["GET /re/a/b?q=1", "a-v1 /swapped?q=1"],
      ["GET /slash/a", "a-v1 /a"],
      ["GET /host", "a-v1 /host | > host: other.test:81"],
      ["GET /group/a/b/c?q=/x", "a-v1 /b/a/c?q=/x"],
      ["GET /all?l=1", "a-v1 /aLL?l=1"],
    ],
  },
  {
    name: "respond",
    spec: `http: [
      {match: [{uri: {prefix: /plain}}], directResponse: {status: 418}},
      {match: [{uri: {prefix: /text}}], directResponse: {status: 200, body: {string: hello}}, headers: {response: {set: {content-type: text/html}}}},
      {match: [{uri: {prefix: /bytes}}], directResponse: {status: 503, body: {bytes: aGk=}}},
      {match: [{uri: {prefix: /large}}], directResponse: {status: 200, body: {string: ${"x".repeat(10_000)}}}}]`,
    rows: [
      ["GET /plain", "418"],
      ["GET /text", "200 hello | < content-type: text/html"],
      ["GET /bytes", "503 hi"],
      ["GET /large", `200 ${"x".repeat(10_000)}`],
    ],
  },
  {
    name: "change",
    spec: `http: [
      {match: [{uri: {prefix: /route}}], ${A}, headers: {
        request: {set: {x-set: new, x-from: "%REQ(x-given)%", x-cent: 10%%}, add: {x-add: more}, remove: [x-remove]},
        response: {set: {x-answer: new}, add: {x-served: more}, remove: [x-gone]}}},
      {match: [{uri: {prefix: /destination}}], headers: {request: {set: {x-set: route}}},
        route: [{destination: {host: a, subset: v1}, headers: {request: {set: {x-set: destination}, remove: [x-remove]}, response: {set: {x-answer: destination}}}}]},
      {match: [{uri: {prefix: /weighted}}],
        route: [{destination: {host: a, subset: v1}, weight: 1, headers: {request: {add: {x-add: weighted}, set: {host: inner.test}}, response: {remove: [x-gone]}}}, {destination: {host: b}, weight: 0}]},
      {match: [{uri: {prefix: /authority}}], ${A}, headers: {request: {set: {":authority": inner.test}}}},
      {match: [{uri: {prefix: /single}}], route: [{destination: {host: a, subset: v1}, headers: {request: {set: {Host: inner.test}}}}]}]`,
    rows: [
      ["GET /route | x-set: old | x-given: g", "a-v1 /route | > x-set: new | > x-from: g | > x-cent: 10%"],
      ["GET /route | x-add: one | x-remove: 1", "a-v1 /route | > x-add: one, more | > x-remove"],
      ["GET /route", "a-v1 /route | < x-answer: new | < x-served: a-v1, more | < x-gone"],
      [
        "GET /destination | x-remove: 1",
        "a-v1 /destination | > x-set: destination | > x-remove | < x-answer: destination | < x-gone: 1",
      ],
      ["GET /weighted | x-add: one", "a-v1 /weighted | > x-add: one, weighted | > host: inner.test | < x-gone"],
      ["GET /authority", "a-v1 /authority | > host: inner.test"],
      ["GET /single", "a-v1 /single | > host: inner.test"],
    ],
  },
  {
    name: "fault",
    spec: `http: [
      {match: [{uri: {prefix: /abort}}], fault: {abort: {httpStatus: 555, percentage: {value: 100}}}, ${A}},
      {match: [{uri: {prefix: /never}}], fault: {abort: {httpStatus: 555, percentage: {value: 0}}, delay: {fixedDelay: 1h, percentage: {value: 0}}}, ${A}},
      {match: [{uri: {prefix: /unsaid}}], fault: {abort: {httpStatus: 555}}, ${A}},
      {match: [{uri: {prefix: /grpc}}], fault: {abort: {grpcStatus: UNAVAILABLE, percentage: {value: 100}}}, ${A}},
      {match: [{uri: {prefix: /both}}], fault: {delay: {fixedDelay: 1ms, percentage: {value: 100}}, abort: {httpStatus: 556, percentage: {value: 100}}}, ${A}},
      {${B}}]`,
    rows: [
      ["GET /abort", "555 fault filter abort"],
      ["GET /never", "a-v1 /never"],
      ["GET /unsaid", "a-v1 /unsaid"],
      ["GET /grpc | content-type: application/grpc", "200 | < grpc-status: 14"],
      ["GET /both", "556 fault filter abort"],
      ["GET /", "b /"],
    ],
  },
  {
    name: "cors",
    spec: `http: [
      {match: [{uri: {prefix: /ignore}}], corsPolicy: {allowOrigins: [{exact: "https://good.test"}], unmatchedPreflights: IGNORE}, ${A}},
      {corsPolicy: {allowOrigins: [{exact: "https://good.test"}, {regex: "https://[a-z]+[.]wide[.]test"}], allowMethods: [GET, PUT], allowHeaders: [x-a, x-b], exposeHeaders: [x-c], maxAge: 24h, allowCredentials: true}, ${A}}]`,
    rows: [
      [
        "OPTIONS / | origin: https://good.test | access-control-request-method: PUT",
        "200 | < access-control-allow-origin: https://good.test | < access-control-allow-methods: GET,PUT | < access-control-allow-headers: x-a,x-b | < access-control-max-age: 86400 | < access-control-allow-credentials: true",
      ],
      [
        "OPTIONS / | origin: https://sub.wide.test | access-control-request-method: GET",
        "200 | < access-control-allow-origin: https://sub.wide.test",
      ],
      [
        "GET / | origin: https://good.test",
        "a-v1 / | < access-control-allow-origin: https://good.test | < access-control-expose-headers: x-c",
      ],
      ["GET / | origin: https://bad.test", "a-v1 / | < access-control-allow-origin"],
      ["OPTIONS / | origin: https://bad.test | access-control-request-method: GET", "a-v1 /"],
      ["OPTIONS /ignore | origin: https://bad.test | access-control-request-method: GET", "200"],
      ["GET /", "a-v1 / | < access-control-allow-origin"],
    ],
  },
  {
    name: "retries",
    spec: `http: [
      {match: [{uri: {prefix: /default}}], ${B}},
      {match: [{uri: {prefix: /off}}], retries: {attempts: 0}, ${B}},
      {match: [{uri: {prefix: /five}}], retries: {attempts: 5, retryOn: "5xx", backoff: 1ms}, ${B}},
      {match: [{uri: {prefix: /codes}}], retries: {attempts: 3, retryOn: "418,429", retryRemoteLocalities: true, retryIgnorePreviousHosts: false, backoff: 1ms}, ${B}},
      {match: [{uri: {prefix: /try}}], retries: {attempts: 2, perTryTimeout: 300ms, retryOn: "gateway-error", backoff: 1ms}, ${B}}]`,
    rows: [
      ["GET /default | x-fail: 2 503", "b /default | < x-attempts: 3"],
      ["GET /default | x-fail: 3 503", "503 | < x-attempts: 3"],
      ["GET /default | x-fail: 1 500", "500 | < x-attempts: 1"],
      ["POST /default | x-fail: 2 503", "b /default | < x-attempts: 3"],
      ["GET /off | x-fail: 1 503", "503 | < x-attempts: 1"],
      ["GET /five | x-fail: 5 500", "b /five | < x-attempts: 6"],
      ["GET /five | x-fail: 6 502", "502 | < x-attempts: 6"],
      ["GET /codes | x-fail: 2 418", "b /codes | < x-attempts: 3"],
      ["GET /codes | x-fail: 3 429", "b /codes | < x-attempts: 4"],
      ["GET /codes | x-fail: 1 503", "503 | < x-attempts: 1"],
      ["GET /try | x-hang: 1", "b /try | < x-attempts: 2"],
      ["GET /try | x-hang: 3", "504"],
    ],
  },
  {
    name: "timeout",
    spec: `http: [
      {match: [{uri: {prefix: /short}}], timeout: 200ms, ${B}},
      {match: [{uri: {prefix: /none}}], timeout: 0s, ${B}},
      {${B}}]`,
    rows: [
      ["GET /short", "b /short"],
      ["GET /short | x-hang: 1", "504 upstream request timeout"],
      ["GET /none", "b /none"],
    ],
  },
  {
    name: "root",
    spec: `http: [
      {name: api, match: [{uri: {prefix: /api}, headers: {x-user: {}}}], headers: {request: {set: {x-root: "1"}}}, delegate: {name: team}},
      {match: [{uri: {prefix: /narrow/er}}], delegate: {name: team}},
      {match: [{uri: {exact: /own}}], ${B}}]`,
    objects: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: team}
spec:
  http:
  - {match: [{uri: {prefix: /api/v2}}], headers: {request: {set: {x-team: "1"}}}, ${A2}}
  - {match: [{uri: {exact: /api/v1}}], ${A}}
  - {match: [{uri: {prefix: /narrow}}], ${B}}
`,
    rows: [
      ["GET /api/v2/x | x-user: me", "a-v2 /api/v2/x | > x-team: 1 | > x-root"],
      ["GET /api/v1 | x-user: me", "a-v1 /api/v1 | > x-root: 1"],
      ["GET /api/v1", "404"],
      ["GET /api/v3 | x-user: me", "404"],
      ["GET /narrow/er", "404"],
      ["GET /own", "b /own"],
    ],
  },
  {
    name: "wild",
    spec: `hosts: ["*.wild.test"], http: [{${A}}]`,
    objects: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: wilder}
spec: {hosts: ["*.very.wild.test", "exact.wild.test"], http: [{${A2}}]}
`,
    rows: [
      ["GET / | host: any.wild.test", "a-v1 /"],
      ["GET / | host: x.y.wild.test", "a-v1 /"],
      ["GET / | host: x.very.wild.test", "a-v2 /"],
      ["GET / | host: exact.wild.test", "a-v2 /"],
      ["GET / | host: wild.test", "404 no such host in the mesh"],
    ],
  },
  {
    name: "service-wild",
    spec: `hosts: ["*.default.svc.cluster.local"], http: [{match: [{uri: {prefix: /to-a}}], ${A}}]`,
    rows: [
      ["GET /to-a | host: b", "a-v1 /to-a"],
      ["GET / | host: b", "404"],
      ["GET / | host: a", "a-v2 /"],
    ],
    objects: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a}
spec: {hosts: [a], http: [{${A2}}]}
`,
  },
  {
    name: "export",
    spec: `exportTo: ["."], http: [{${A}}]`,
    objects: `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: a-public}
spec: {hosts: [export.test], http: [{${B}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: hidden}
spec: {hosts: [hidden.test], exportTo: [elsewhere], http: [{${B}}]}
`,
    rows: [
      ["GET /", "a-v1 /"],
      ["GET / | host: hidden.test", "404 no such host in the mesh"],
    ],
  },
];
