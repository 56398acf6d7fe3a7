import type { BackendMirror } from "../model/gateway-route.js";
import type {
  CorsPolicy,
  HeaderChanges,
  HeaderOperations,
  HeaderValue,
  PathRewrite,
  Redirect,
  Rewrite,
} from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";
import { readAuthority, readRequestPath } from "./authority.js";
import { readBackendRef } from "./backend-ref.js";
import {
  type Reader,
  readAnyString,
  readBoolean,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readPort,
  readString,
  refuse,
} from "./fields.js";
import { readTyped } from "./gateway-route.js";
import { readHeaderName } from "./http-header.js";
import { readDnsSubdomain } from "./names.js";
import { readRedirectStatus } from "./redirect.js";

const MAX_FILTERS = 16;
const EXTENSION = "attach a WasmPlugin to the route by targetRefs instead";

/** One filter of a rule. */
type Filter =
  | { readonly kind: "request"; readonly changes: HeaderChanges }
  | { readonly kind: "response"; readonly changes: HeaderChanges }
  | { readonly kind: "mirror"; readonly mirror: BackendMirror }
  | { readonly kind: "redirect"; readonly redirect: Redirect }
  | { readonly kind: "rewrite"; readonly rewrite: Rewrite }
  | { readonly kind: "cors"; readonly cors: CorsPolicy };

/** What the filters of a rule say together. */
export interface RuleFilters {
  readonly headers?: HeaderOperations;
  readonly mirrors: readonly BackendMirror[];
  readonly redirect?: Redirect;
  readonly rewrite?: Rewrite;
  readonly cors?: CorsPolicy;
}

const HEADER_FILTERS = {
  RequestHeaderModifier: { field: "requestHeaderModifier", read: readHeaders("request") },
  ResponseHeaderModifier: { field: "responseHeaderModifier", read: readHeaders("response") },
};

const UNSUPPORTED = { ExtensionRef: EXTENSION, ExternalAuth: "let an AUTHZ plugin ask the server by a callout" };

/** https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter */
export function readHttpFilters(namespace: string): Reader<RuleFilters> {
  return readFilters({
    ...HEADER_FILTERS,
    RequestMirror: { field: "requestMirror", read: readMirror(namespace) },
    RequestRedirect: {
      field: "requestRedirect",
      read: (field) => wrap(readRedirect(field), (redirect) => ({ kind: "redirect", redirect })),
    },
    URLRewrite: {
      field: "urlRewrite",
      read: (field) => wrap(readRewrite(field), (rewrite) => ({ kind: "rewrite", rewrite })),
    },
    CORS: { field: "cors", read: (field) => wrap(readCors(field), (cors) => ({ kind: "cors", cors })) },
  });
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#grpcroutefilter */
export function readGrpcFilters(namespace: string): Reader<RuleFilters> {
  return readFilters({ ...HEADER_FILTERS, RequestMirror: { field: "requestMirror", read: readMirror(namespace) } });
}

/** Of a backend only headers can be changed: all else is decided before the backend is chosen. */
export const readBackendFilters: Reader<HeaderOperations> = (field) => {
  const hint = "put it into the filters of the rule";
  const others = { RequestMirror: hint, RequestRedirect: hint, URLRewrite: hint, CORS: hint };
  return readFilters(HEADER_FILTERS, others)(field)?.headers ?? {};
};

function wrap<T>(value: T | undefined, make: (value: T) => Filter): Filter | undefined {
  return value === undefined ? undefined : make(value);
}

function readFilters(
  readers: Readonly<Record<string, { readonly field: string; readonly read: Reader<Filter> }>>,
  unsupported: Readonly<Record<string, string>> = {},
): Reader<RuleFilters> {
  return (field) => {
    const filters = readList(readTyped(readers, { ...UNSUPPORTED, ...unsupported }), { max: MAX_FILTERS })(field) ?? [];
    const only = <K extends Filter["kind"]>(kind: K): Extract<Filter, { kind: K }> | undefined => {
      const found = filters.filter((filter): filter is Extract<Filter, { kind: K }> => filter.kind === kind);
      if (found.length > 1) refuse(field, "DuplicateFilter", `has ${kind} twice`, "keep one of them");
      return found[0];
    };
    const request = only("request");
    const response = only("response");
    const redirect = only("redirect")?.redirect;
    const rewrite = only("rewrite")?.rewrite;
    const cors = only("cors")?.cors;
    if (redirect !== undefined && rewrite !== undefined)
      refuse(field, "Conflict", "has RequestRedirect and URLRewrite", "keep one of them");
    const headers: HeaderOperations = {
      ...(request !== undefined && { request: request.changes }),
      ...(response !== undefined && { response: response.changes }),
    };
    return {
      mirrors: filters.flatMap((filter) => (filter.kind === "mirror" ? [filter.mirror] : [])),
      ...(Object.keys(headers).length > 0 && { headers }),
      ...(redirect !== undefined && { redirect }),
      ...(rewrite !== undefined && { rewrite }),
      ...(cors !== undefined && { cors }),
    };
  };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpheaderfilter */
function readHeaders(kind: "request" | "response"): Reader<Filter> {
  return readObject((fields): Filter => {
    const set = fields.optional("set", readValues) ?? [];
    const add = fields.optional("add", readValues) ?? [];
    const remove = fields.optional("remove", readList(readName, { max: MAX_FILTERS })) ?? [];
    return { kind, changes: { set, add, remove: [...new Set(remove)] } };
  });
}

const readName = readHeaderName("headers that begin with a colon cannot be changed; see urlRewrite");

/** Of a name that stands twice the first counts. Values are texts, and no formats. */
const readValues: Reader<HeaderValue[]> = (field) => {
  const values = readList(
    readObject((fields) => {
      const name = fields.required("name", readName);
      const value = fields.required("value", readHeaderText);
      return name === undefined || value === undefined ? undefined : { name, value: value.replaceAll("%", "%%") };
    }),
    { max: MAX_FILTERS },
  )(field);
  return values?.filter(({ name }, i) => values.findIndex((other) => other.name === name) === i);
};

const readHeaderText: Reader<string> = (field) => {
  const text = readAnyString(4096)(field);
  if (text === undefined || !/[^\t\x20-\x7e]/.test(text)) return text;
  return refuse(field, "InvalidValue", "has characters that no header has", "use printable ASCII");
};

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprequestmirrorfilter */
function readMirror(namespace: string): Reader<Filter> {
  return readObject((fields, field) => {
    const backend = fields.required("backendRef", readBackendRef(namespace), "name the Service that gets a copy");
    const percent = fields.optional("percent", readInteger(0, 100));
    const fraction = fields.optional("fraction", readFraction);
    if (percent !== undefined && fraction !== undefined)
      return refuse(field, "Conflict", "has percent and fraction", "keep one of them");
    return backend && { kind: "mirror", mirror: { ...backend, percentage: percent ?? fraction ?? 100 } };
  });
}

const readFraction: Reader<number> = readObject((fields, field) => {
  const numerator = fields.required("numerator", readInteger(0, 2 ** 31 - 1));
  const denominator = fields.optional("denominator", readInteger(1, 2 ** 31 - 1)) ?? 100;
  if (numerator === undefined) return undefined;
  if (numerator <= denominator) return (100 * numerator) / denominator;
  return refuse(field, "OutOfRange", `is more than one`, "let the numerator be at most the denominator");
});

/** https://gateway-api.sigs.k8s.io/reference/spec/#httprequestredirectfilter */
const readRedirect: Reader<Redirect> = readObject((fields) => {
  const scheme = fields.optional("scheme", readOneOf(["http", "https"]));
  const authority = fields.optional("hostname", readDnsSubdomain);
  const path = fields.optional("path", readPathModifier);
  const port = fields.optional("port", readPort);
  const status = fields.optional("statusCode", readRedirectStatus) ?? 302;
  return {
    status,
    // Without a port it is the scheme's own where one is named, else that of the request.
    port: port ?? (scheme === undefined ? "request" : "scheme"),
    ...(scheme !== undefined && { scheme }),
    ...(authority !== undefined && { authority }),
    ...(path !== undefined && { path }),
  };
});

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpurlrewritefilter */
const readRewrite: Reader<Rewrite> = readObject((fields) => {
  const authority = fields.optional("hostname", readAuthority);
  const path = fields.optional("path", readPathModifier);
  return { ...(path !== undefined && { path }), ...(authority !== undefined && { authority }) };
});

const readPathModifier: Reader<Exclude<PathRewrite, { readonly kind: "regex" }>> = readTyped({
  ReplaceFullPath: { field: "replaceFullPath", read: (field) => asPath("full", readReplacement(field)) },
  ReplacePrefixMatch: { field: "replacePrefixMatch", read: (field) => asPath("prefix", readReplacement(field)) },
});

/** An empty replacement takes the prefix away, which leaves a path that begins with /. */
const readReplacement: Reader<string> = (field) => (field.value === "" ? "/" : readRequestPath(field));

function asPath(
  kind: "full" | "prefix",
  value: string | undefined,
): Exclude<PathRewrite, { readonly kind: "regex" }> | undefined {
  return value === undefined ? undefined : { kind, value };
}

/** https://gateway-api.sigs.k8s.io/reference/spec/#httpcorsfilter */
const readCors: Reader<CorsPolicy> = readObject((fields) => {
  const origins = fields.optional("allowOrigins", readList(readString(253), { max: 64 })) ?? [];
  const allowCredentials = fields.optional("allowCredentials", readBoolean);
  const allowMethods = fields.optional("allowMethods", readTokens) ?? [];
  const allowHeaders = fields.optional("allowHeaders", readTokens) ?? [];
  const exposeHeaders = fields.optional("exposeHeaders", readTokens) ?? [];
  const maxAgeSeconds = fields.optional("maxAge", readInteger(1, 2 ** 31 - 1)) ?? 5;
  return {
    allowOrigins: origins.map(originMatch),
    allowMethods,
    allowHeaders,
    exposeHeaders,
    forwardUnmatchedPreflights: false,
    maxAgeSeconds,
    ...(allowCredentials !== undefined && { allowCredentials }),
  };
});

const readTokens = readList(readString(256), { max: 64 });

/** `*` is any run of characters, at any place. */
function originMatch(origin: string): StringMatch {
  if (!origin.includes("*")) return { kind: "exact", value: origin };
  return { kind: "regex", value: origin.split("*").map(quoted).join(".*") };
}

/** As a part of a pattern of RE2. */
export function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
