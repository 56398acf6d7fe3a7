import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type RedirectActionSchema,
  RedirectAction_RedirectResponseCode as ResponseCode,
} from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import type { Redirect, UriMatch } from "../model/http-route.js";
import { envoyRewrite } from "./path-rewrite.js";

const CODES = {
  301: ResponseCode.MOVED_PERMANENTLY,
  302: ResponseCode.FOUND,
  303: ResponseCode.SEE_OTHER,
  307: ResponseCode.TEMPORARY_REDIRECT,
  308: ResponseCode.PERMANENT_REDIRECT,
} as const;

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

export function redirectAction(
  redirect: Redirect,
  uri: UriMatch | undefined,
  calledPort: number,
): MessageInitShape<typeof RedirectActionSchema> {
  const portRedirect = portOf(redirect, calledPort);
  return {
    responseCode: CODES[redirect.status],
    ...(redirect.authority === undefined ? {} : { hostRedirect: redirect.authority }),
    ...(redirect.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: "schemeRedirect", value: redirect.scheme } }),
    ...(portRedirect === undefined ? {} : { portRedirect }),
    ...(redirect.path === undefined ? {} : { pathRewriteSpecifier: pathOf(redirect.path, uri) }),
  };
}

/** A scheme's own port is left unsaid where nothing else says another. */
function portOf({ port, scheme = "http", authority }: Redirect, calledPort: number): number | undefined {
  if (port === undefined) return undefined;
  const own = DEFAULT_PORTS[scheme];
  const number = port === "request" ? calledPort : port === "scheme" ? own : port;
  return number === own && authority !== undefined && !/:\d+$/.test(authority) ? undefined : number;
}

function pathOf(
  path: NonNullable<Redirect["path"]>,
  uri: UriMatch | undefined,
): MessageInitShape<typeof RedirectActionSchema>["pathRewriteSpecifier"] & object {
  if (path.kind === "full") return { case: "pathRedirect", value: path.value };
  const rewrite = envoyRewrite(path, uri);
  return rewrite.kind === "prefix"
    ? { case: "prefixRewrite", value: rewrite.prefixRewrite }
    : { case: "regexRewrite", value: rewrite.regexRewrite };
}
