import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HeaderMatcherSchema,
  QueryParameterMatcherSchema,
  RouteMatchSchema,
} from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import type { StringMatcherSchema } from "../envoy-api/gen/envoy/type/matcher/v3/string_pb.js";
import type { HeaderMatch, HttpMatch, QueryParamMatch, UriMatch } from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";

export type RouteMatchInit = Extract<MessageInitShape<typeof RouteMatchSchema>, { readonly $typeName?: never }>;
type HeaderMatcherInit = MessageInitShape<typeof HeaderMatcherSchema>;

/** What of a match Envoy must look at: who calls, and at which port, is known beforehand. Undefined is any request. */
export function routeMatch(match: HttpMatch | undefined): RouteMatchInit {
  return {
    pathSpecifier: pathSpecifier(match?.uri),
    ...(match?.ignoreUriCase ? { caseSensitive: false } : {}),
    headers: [
      ...(match?.headers ?? []).map(headerMatcher),
      ...pseudoHeader(":method", match?.method),
      ...pseudoHeader(":scheme", match?.scheme),
      ...pseudoHeader(":authority", match?.authority),
    ],
    queryParameters: (match?.queryParams ?? []).map(queryParameter),
  };
}

function pathSpecifier(uri: UriMatch | undefined): RouteMatchInit["pathSpecifier"] & object {
  switch (uri?.kind) {
    case undefined:
      return { case: "prefix", value: "/" };
    case "exact":
      return { case: "path", value: uri.value };
    case "prefix":
      return { case: "prefix", value: uri.value };
    case "path": {
      const elements = uri.value.replace(/\/+$/, "");
      return elements === "" ? { case: "prefix", value: "/" } : { case: "pathSeparatedPrefix", value: elements };
    }
    case "regex":
      return { case: "safeRegex", value: { regex: uri.value } };
  }
}

function headerMatcher({ name, match, invert }: HeaderMatch): HeaderMatcherInit {
  const matcher: HeaderMatcherInit = { name, headerMatchSpecifier: valueMatcher(match) };
  if (!invert) return matcher;
  // Else a header that is missing fulfils neither a match nor its opposite.
  return { ...matcher, invertMatch: true, ...(match === undefined ? {} : { treatMissingHeaderAsEmpty: true }) };
}

function pseudoHeader(name: string, match: StringMatch | undefined): HeaderMatcherInit[] {
  return match === undefined ? [] : [{ name, headerMatchSpecifier: valueMatcher(match) }];
}

function valueMatcher(match: StringMatch | undefined): HeaderMatcherInit["headerMatchSpecifier"] & object {
  return match === undefined
    ? { case: "presentMatch", value: true }
    : { case: "stringMatch", value: stringMatcher(match) };
}

function queryParameter({ name, match }: QueryParamMatch): MessageInitShape<typeof QueryParameterMatcherSchema> {
  return {
    name,
    queryParameterMatchSpecifier:
      match === undefined
        ? { case: "presentMatch", value: true }
        : { case: "stringMatch", value: stringMatcher(match) },
  };
}

export function stringMatcher(match: StringMatch): MessageInitShape<typeof StringMatcherSchema> {
  return match.kind === "regex"
    ? { matchPattern: { case: "safeRegex", value: { regex: match.value } } }
    : { matchPattern: { case: match.kind, value: match.value } };
}
