/*
 * HTTPRoutes and GRPCRoutes and what becomes of requests under them. Each group is a Service `<name>` that routes are
 * attached to. Rows are as in rows.ts. Backends are the Services a-v1, a-v2 and b.
 */

export interface GatewayGroup {
  readonly name: string;
  /** The `rules` of an HTTPRoute that is attached to the Service. */
  readonly rules?: string;
  /** Other objects that it needs. */
  readonly objects?: string;
  /** Namespace of the Service. Default `default`. */
  readonly namespace?: string;
  readonly rows: readonly (readonly [request: string, expected: string])[];
}

const to = (name: string, more = "") => `backendRefs: [{name: ${name}, port: 8080${more}}]`;
const V1 = to("a-v1");
const V2 = to("a-v2");
const B = to("b");

export const GATEWAY_GROUPS: readonly GatewayGroup[] = [
  {
    name: "simple",
    rules: `[{${V1}}]`,
    rows: [
      ["GET /", "a-v1 /"],
      ["POST /any?x=1", "a-v1 /any?x=1"],
    ],
  },
  {
    name: "paths",
    rules: `[
      {matches: [{path: {type: Exact, value: /exact}}], ${V1}},
      {matches: [{path: {type: PathPrefix, value: /pre}}], ${V2}},
      {matches: [{path: {type: RegularExpression, value: "/re/[0-9]+"}}], ${B}}]`,
    rows: [
      ["GET /exact", "a-v1 /exact"],
      ["GET /exact?q", "a-v1 /exact?q"],
      ["GET /exact/", "404 "],
      ["GET /EXACT", "404 "],
      ["GET /pre", "a-v2 /pre"],
      ["GET /pre/", "a-v2 /pre/"],
      ["GET /pre/fix", "a-v2 /pre/fix"],
      ["GET /prefix", "404 "],
      ["GET /re/1", "b /re/1"],
      ["GET /re/x", "404 "],
      ["GET /", "404 "],
    ],
  },
  {
    name: "precedence",
    rules: `[
      {matches: [{path: {value: /}}], ${B}},
      {matches: [{path: {value: /a}}], ${V1}},
      {matches: [{path: {value: /a/b}}], ${V2}},
      {matches: [{path: {type: Exact, value: /a/b/c}}], ${V1}},
      {matches: [{path: {value: /m}}], ${V1}},
      {matches: [{path: {value: /m}, method: POST}], ${V2}},
      {matches: [{path: {value: /h}, headers: [{name: x-one, value: "1"}]}], ${V1}},
      {matches: [{path: {value: /h}, headers: [{name: x-one, value: "1"}, {name: x-two, value: "2"}]}], ${V2}},
      {matches: [{path: {value: /q}}], ${V1}},
      {matches: [{path: {value: /q}, queryParams: [{name: v, value: "2"}]}], ${V2}}]`,
    rows: [
      ["GET /", "b /"],
      ["GET /x", "b /x"],
      ["GET /a", "a-v1 /a"],
      ["GET /ab", "b /ab"],
      ["GET /a/b", "a-v2 /a/b"],
      ["GET /a/b/c", "a-v1 /a/b/c"],
      ["GET /a/b/c/d", "a-v2 /a/b/c/d"],
      ["GET /m", "a-v1 /m"],
      ["POST /m", "a-v2 /m"],
      ["GET /h", "b /h"],
      ["GET /h | x-one: 1", "a-v1 /h"],
      ["GET /h | x-one: 1 | x-two: 2", "a-v2 /h"],
      ["GET /q?v=1", "a-v1 /q?v=1"],
      ["GET /q?v=2", "a-v2 /q?v=2"],
    ],
  },
  {
    name: "headers",
    rules: `[
      {matches: [{headers: [{name: Version, value: one}]}, {headers: [{name: color, value: red}]}], ${V1}},
      {matches: [{headers: [{name: version, value: two}, {name: color, value: blue}]}], ${V2}},
      {matches: [{headers: [{name: version, type: RegularExpression, value: "three|four"}]}], ${B}}]`,
    rows: [
      ["GET / | version: one", "a-v1 /"],
      ["GET / | VERSION: one", "a-v1 /"],
      ["GET / | color: red", "a-v1 /"],
      ["GET / | version: two", "404 "],
      ["GET / | version: two | color: blue", "a-v2 /"],
      ["GET / | version: four", "b /"],
      ["GET / | version: ONE", "404 "],
      ["GET /", "404 "],
    ],
  },
  {
    name: "queries",
    rules: `[
      {matches: [{queryParams: [{name: animal, value: whale}]}], ${V1}},
      {matches: [{queryParams: [{name: animal, value: dolphin}, {name: color, value: blue}]}], ${V2}}]`,
    rows: [
      ["GET /?animal=whale", "a-v1 /?animal=whale"],
      ["GET /?animal=whale&x=1", "a-v1 /?animal=whale&x=1"],
      ["GET /?animal=dolphin&color=blue", "a-v2 /?animal=dolphin&color=blue"],
      ["GET /?animal=dolphin", "404 "],
      ["GET /?ANIMAL=whale", "404 "],
    ],
  },
  {
    name: "modifiers",
    rules: `[
      {matches: [{path: {value: /req}}], ${V1}, filters: [{type: RequestHeaderModifier, requestHeaderModifier:
        {set: [{name: X-Set, value: "new 100%"}], add: [{name: X-Add, value: more}], remove: [X-Gone]}}]},
      {matches: [{path: {value: /res}}], ${V1}, filters: [{type: ResponseHeaderModifier, responseHeaderModifier:
        {set: [{name: X-Set, value: "%REQ(x)%"}], add: [{name: x-name, value: again}], remove: [x-other]}}]},
      {matches: [{path: {value: /backend}}], backendRefs: [{name: a-v2, port: 8080, filters: [
        {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x-backend, value: b}]}},
        {type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-back, value: c}]}}]}]}]`,
    rows: [
      ["GET /req | x-set: old | x-gone: 1", "a-v1 /req | > x-set: new 100% | > x-add: more | > x-gone"],
      ["GET /req | x-add: first", "a-v1 /req | > x-add: first, more"],
      ["GET /res", "a-v1 /res | < x-set: %REQ(x)%"],
      ["GET /backend", "a-v2 /backend | > x-backend: b | < x-back: c"],
    ],
  },
  {
    name: "redirects",
    rules: `[
      {matches: [{path: {value: /host}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org}}]},
      {matches: [{path: {value: /status}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, statusCode: 301}}]},
      {matches: [{path: {value: /scheme}}], filters: [{type: RequestRedirect, requestRedirect: {scheme: https, hostname: example.org}}]},
      {matches: [{path: {value: /port}}], filters: [{type: RequestRedirect, requestRedirect: {port: 8443, hostname: example.org}}]},
      {matches: [{path: {value: /full}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, port: 80, path: {type: ReplaceFullPath, replaceFullPath: /new}}}]},
      {matches: [{path: {value: /prefix}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, port: 80, path: {type: ReplacePrefixMatch, replacePrefixMatch: /other}}}]},
      {matches: [{path: {value: /see}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, port: 80, statusCode: 303}}]},
      {matches: [{path: {value: /keep}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, port: 80, statusCode: 307}}]},
      {matches: [{path: {value: /always}}], filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, port: 80, statusCode: 308}}]}]`,
    rows: [
      ["GET /host", "302 | < location: http://example.org:8080/host"],
      ["GET /status", "301 | < location: http://example.org:8080/status"],
      ["GET /scheme", "302 | < location: https://example.org/scheme"],
      ["GET /port", "302 | < location: http://example.org:8443/port"],
      ["GET /full/x", "302 | < location: http://example.org/new"],
      ["GET /prefix/x", "302 | < location: http://example.org/other/x"],
      ["GET /see", "303 | < location: http://example.org/see"],
      ["GET /keep", "307 | < location: http://example.org/keep"],
      ["GET /always", "308 | < location: http://example.org/always"],
    ],
  },
  {
    name: "rewrites",
    rules: `[
      {matches: [{path: {value: /prefix/one}}], ${V1}, filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /one}}}]},
      {matches: [{path: {value: /strip}}], ${V1}, filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]},
      {matches: [{path: {value: /full}}], ${V1}, filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /one}}}]},
      {matches: [{path: {value: /host}}], ${V1}, filters: [{type: URLRewrite, urlRewrite: {hostname: inner.example.org}}]}]`,
    rows: [
      ["GET /prefix/one/two", "a-v1 /one/two"],
      ["GET /prefix/one", "a-v1 /one"],
      ["GET /prefix/one?q=1", "a-v1 /one?q=1"],
      ["GET /strip/two", "a-v1 /two"],
      ["GET /strip", "a-v1 /"],
      ["GET /full/two", "a-v1 /one"],
      ["GET /host/x", "a-v1 /host/x | > host: inner.example.org"],
    ],
  },
  {
    name: "missing",
    rules: `[
      {matches: [{path: {value: /nobody}}], ${to("nobody")}},
      {matches: [{path: {value: /port}}], backendRefs: [{name: a-v1, port: 1}]},
      {matches: [{path: {value: /kind}}], backendRefs: [{kind: Bucket, group: x.io, name: a, port: 1}]},
      {matches: [{path: {value: /abroad}}], backendRefs: [{name: a-v1, namespace: elsewhere, port: 8080}]},
      {matches: [{path: {value: /none}}]},
      {matches: [{path: {value: /zero}}], ${to("a-v1", ", weight: 0")}},
      {matches: [{path: {value: /rest}}], backendRefs: [{name: nobody, port: 8080, weight: 0}, {name: a-v1, port: 8080}]}]`,
    rows: [
      ["GET /nobody", "500"],
      ["GET /port", "500"],
      ["GET /kind", "500"],
      ["GET /abroad", "500"],
      ["GET /none", "500"],
      ["GET /zero", "500"],
      ["GET /rest", "a-v1 /rest"],
    ],
  },
  {
    name: "weighted",
    rules: "[{backendRefs: [{name: a-v1, port: 8080, weight: 9}, {name: a-v2, port: 8080, weight: 1}]}]",
    rows: [],
  },
  {
    name: "two",
    objects: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: two-younger, creationTimestamp: "2026-02-01T00:00:00Z"}
spec:
  parentRefs: [{group: "", kind: Service, name: two}]
  rules: [{matches: [{path: {value: /both}}, {path: {value: /young}}], ${V2}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: two-zolder, creationTimestamp: "2026-01-01T00:00:00Z"}
spec:
  parentRefs: [{group: "", kind: Service, name: two}]
  rules: [{matches: [{path: {value: /both}}, {path: {value: /old}}], ${V1}}]`,
    rows: [
      ["GET /both", "a-v1 /both"],
      ["GET /young", "a-v2 /young"],
      ["GET /old", "a-v1 /old"],
    ],
  },
  {
    // The caller's own namespace has a route for a Service of another: it alone counts for it.
    name: "consumed",
    namespace: "prod",
    objects: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: producer, namespace: prod}
spec:
  parentRefs: [{group: "", kind: Service, name: consumed}]
  rules: [{matches: [{path: {value: /}}], backendRefs: [{name: consumed, port: 8080}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: consumer}
spec:
  parentRefs: [{group: "", kind: Service, name: consumed, namespace: prod}]
  rules: [{matches: [{path: {value: /mine}}], ${V1}}]`,
    rows: [
      ["GET /mine", "a-v1 /mine"],
      ["GET /yours", "404 "],
    ],
  },
  {
    name: "grpc",
    objects: `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: grpc}
spec:
  parentRefs: [{group: "", kind: Service, name: grpc, port: 8080}]
  rules:
  - {matches: [{method: {service: shop.Cart, method: Add}}], ${V1}}
  - {matches: [{method: {service: shop.Cart}}], ${V2}}
  - {matches: [{method: {method: Check}, headers: [{name: x-probe, value: "1"}]}], ${B}}`,
    rows: [
      ["POST /shop.Cart/Add", "a-v1 /shop.Cart/Add"],
      ["POST /shop.Cart/Remove", "a-v2 /shop.Cart/Remove"],
      ["POST /shop.CartX/Add", "404 "],
      ["POST /any.Service/Check | x-probe: 1", "b /any.Service/Check"],
      ["POST /any.Service/Check", "404 "],
    ],
  },
];
