import { describe, expect, it } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const PARENT = "parentRefs: [{group: '', kind: Service, name: web}]";
const http = (rule: string) =>
  objectOf(
    "HTTPRoute",
    `{${PARENT}, rules: [${rule}]}`,
    "{name: r, namespace: shop, creationTimestamp: '2026-01-02T03:04:05Z', generation: 3}",
  );
const grpc = (rule: string) => objectOf("GRPCRoute", `{${PARENT}, rules: [${rule}]}`, "{name: r, namespace: shop}");
const rule = (yaml: string) => (accepted(yaml).value as { rules: readonly unknown[] }).rules[0];

describe("an HTTPRoute", () => {
  it("knows its age and its parents; those that are no Services are somebody else's", () => {
    const { value, warnings } = accepted(
      objectOf(
        "HTTPRoute",
        "{parentRefs: [{name: gw}, {kind: Service, group: '', name: web, namespace: other, port: 80, sectionName: http}], rules: []}",
        "{name: r, namespace: shop, creationTimestamp: '2026-01-02T03:04:05Z', generation: 3}",
      ),
    );
    expect(value).toEqual({
      kind: "HTTPRoute",
      namespace: "shop",
      name: "r",
      created: "2026-01-02T03:04:05Z",
      generation: 3,
      parents: [{ namespace: "other", name: "web", port: 80, sectionName: "http" }],
      rules: [],
    });
    expect(warnings).toEqual([]);
  });

  it("of a gateway alone is left alone, and told so", () => {
    const { warnings } = accepted(objectOf("HTTPRoute", "{parentRefs: [{name: gw}]}"));
    expect(warnings).toEqual(["NoMatchingParent spec.parentRefs"]);
  });

  it("without a match takes every path, and without backends sends nowhere", () => {
    expect(rule(http("{}"))).toEqual({
      matches: [{ uri: { kind: "path", value: "/" }, headers: [], queryParams: [] }],
      mirrors: [],
      action: { kind: "forward", backends: [] },
    });
  });

  it.each<[string, object]>([
    ["{matches: [{path: {type: Exact, value: /a}}]}", { matches: [{ uri: { kind: "exact", value: "/a" } }] }],
    [
      "{matches: [{path: {value: /a}, method: GET}]}",
      { matches: [{ uri: { kind: "path", value: "/a" }, method: { kind: "exact", value: "GET" } }] },
    ],
    [
      "{matches: [{headers: [{name: X-A, value: '1'}, {name: x-a, value: '2'}]}]}",
      { matches: [{ headers: [{ name: "x-a", match: { kind: "exact", value: "1" } }] }] },
    ],
    [
      "{matches: [{queryParams: [{name: q, type: RegularExpression, value: 'a|b'}]}]}",
      { matches: [{ queryParams: [{ name: "q", match: { kind: "regex", value: "a|b" } }] }] },
    ],
    ["{timeouts: {request: 0s}}", { timeoutMs: 0 }],
    ["{timeouts: {backendRequest: 2s}}", { retries: { attempts: 2, perTryTimeoutMs: 2000 } }],
    ["{retry: {codes: [503, 500, 503]}}", { retries: { attempts: 1, statusCodes: [500, 503] } }],
    [
      "{backendRefs: [{name: a, port: 80}]}",
      { action: { backends: [{ kind: "Service", namespace: "shop", name: "a", port: 80, weight: 1 }] } },
    ],
    ["{backendRefs: [{group: x.io, kind: Service, name: a}]}", { action: { backends: [{ kind: "Service.x.io" }] } }],
    [
      "{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}",
      { action: { kind: "redirect", redirect: { status: 302, scheme: "https", port: "scheme" } } },
    ],
    [
      "{filters: [{type: RequestRedirect, requestRedirect: {port: 8080, statusCode: 307}}]}",
      { action: { redirect: { status: 307, port: 8080 } } },
    ],
    [
      "{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: a, port: 1}}}]}",
      { mirrors: [{ name: "a", percentage: 100 }] },
    ],
    [
      "{filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}}}]}",
      { rewrite: { path: { kind: "prefix", value: "/" } } },
    ],
    [
      "{filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: A, value: '5%'}]}}]}",
      { headers: { response: { set: [{ name: "a", value: "5%%" }] } } },
    ],
  ])("reads %s", (yaml, expected) => expect(rule(http(yaml))).toMatchObject(expected));

  it.each([
    ["{matches: [{path: {value: a}}]}", "InvalidPath spec.rules[0].matches[0].path.value"],
    ["{matches: [{path: {value: /a/../b}}]}", "InvalidPath spec.rules[0].matches[0].path.value"],
    ["{matches: [{path: {type: RegularExpression, value: '('}}]}", "InvalidRegex spec.rules[0].matches[0].path.value"],
    ["{matches: [{method: FETCH}]}", "InvalidValue spec.rules[0].matches[0].method"],
    ["{matches: [{headers: [{name: ':path', value: a}]}]}", "InvalidName spec.rules[0].matches[0].headers[0].name"],
    ["{backendRefs: [{name: a, port: 80, weight: -1}]}", "OutOfRange spec.rules[0].backendRefs[0].weight"],
    [
      "{filters: [{type: ExtensionRef, extensionRef: {group: a, kind: b, name: c}}]}",
      "UnsupportedValue spec.rules[0].filters[0].type",
    ],
    ["{filters: [{type: Redirect}]}", "InvalidValue spec.rules[0].filters[0].type"],
    ["{filters: [{type: RequestRedirect}]}", "MissingField spec.rules[0].filters[0].requestRedirect"],
    [
      "{filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: a}]}",
      "Conflict spec.rules[0].backendRefs",
    ],
    [
      "{filters: [{type: RequestRedirect, requestRedirect: {}}, {type: URLRewrite, urlRewrite: {}}]}",
      "Conflict spec.rules[0].filters",
    ],
    ["{filters: [{type: CORS, cors: {}}, {type: CORS, cors: {}}]}", "DuplicateFilter spec.rules[0].filters"],
    [
      "{matches: [{path: {type: Exact, value: /a}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /b}}}]}",
      "Conflict spec.rules[0].filters",
    ],
    [
      "{backendRefs: [{name: a, port: 80, filters: [{type: URLRewrite, urlRewrite: {}}]}]}",
      "UnsupportedValue spec.rules[0].backendRefs[0].filters[0].type",
    ],
    ["{timeouts: {request: 1s, backendRequest: 2s}}", "OutOfRange spec.rules[0].timeouts.backendRequest"],
    ["{sessionPersistence: {type: Cookie}}", "UnsupportedField spec.rules[0].sessionPersistence"],
  ])("refuses %s", (yaml, problem) => expect(refused(http(yaml))).toContain(problem));
});

describe("a GRPCRoute", () => {
  it.each<[string, object]>([
    ["{service: a.B, method: C}", { kind: "exact", value: "/a.B/C" }],
    ["{service: a.B}", { kind: "prefix", value: "/a.B/" }],
    ["{method: C}", { kind: "regex", value: "/[^/]+/C" }],
    ["{type: RegularExpression, service: 'a.*'}", { kind: "regex", value: "/(?:a.*)/(?:[^/]+)" }],
  ])("matches %s by its path", (method, uri) =>
    expect(rule(grpc(`{matches: [{method: ${method}}]}`))).toMatchObject({ matches: [{ uri }] }),
  );

  it.each([
    ["{matches: [{method: {}}]}", "MissingField spec.rules[0].matches[0].method"],
    ["{matches: [{method: {service: a/b}}]}", "InvalidName spec.rules[0].matches[0].method.service"],
    ["{filters: [{type: RequestRedirect, requestRedirect: {}}]}", "InvalidValue spec.rules[0].filters[0].type"],
    ["{timeouts: {request: 1s}}", "UnknownField spec.rules[0].timeouts"],
  ])("refuses %s", (yaml, problem) => expect(refused(grpc(yaml))).toContain(problem));
});

describe("a ReferenceGrant", () => {
  it("says whose routes may name what", () => {
    const spec =
      "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}, {group: x, kind: Y, namespace: b}], to: [{group: '', kind: Service, name: web}, {group: '', kind: Secret}]}";
    expect(accepted(objectOf("ReferenceGrant", spec, "{name: g, namespace: shop}")).value).toEqual({
      namespace: "shop",
      name: "g",
      from: [
        { kind: "HTTPRoute", namespace: "a" },
        { kind: "Y.x", namespace: "b" },
      ],
      to: [{ kind: "Service", name: "web" }, { kind: "Secret" }],
    });
  });
});
