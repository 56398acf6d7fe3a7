import { type Any, anyUnpack, type Duration } from "@bufbuild/protobuf/wkt";
import type { Route, RouteAction } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { HTTPFaultSchema } from "../envoy-api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.js";
import {
  FractionalPercent_DenominatorType as Denominator,
  type FractionalPercent,
} from "../envoy-api/gen/envoy/type/v3/percent_pb.js";
import { CORS_FILTER, FAULT_FILTER } from "../translate/names.js";

const HEADERS = ["x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-max-retries"];

/** What a route does to a request beside sending it somewhere, in words. */
export function routeText(route: Route): readonly string[] {
  const action = route.action.case === "route" ? actionText(route.action.value) : [];
  const set = route.requestHeadersToAdd.flatMap(({ header }) => header?.key ?? []);
  const own = set.filter((name) => !HEADERS.includes(name) && !name.startsWith("x-envoy-retriable"));
  const removed = route.requestHeadersToRemove;
  return [
    ...faultText(route.typedPerFilterConfig[FAULT_FILTER]),
    ...(CORS_FILTER in route.typedPerFilterConfig ? ["answers CORS preflights itself"] : []),
    ...action,
    ...(own.length > 0 ? [`sets request headers ${own.join(", ")}`] : []),
    ...(removed.length > 0 ? [`removes request headers ${removed.join(", ")}`] : []),
    ...(set.length > own.length ? ["retries as a plugin, or else the rule, says in headers"] : []),
  ];
}

function actionText(action: RouteAction): readonly string[] {
  const { timeout, retryPolicy, prefixRewrite, regexRewrite, hostRewriteSpecifier: host } = action;
  const limit = milliseconds(timeout);
  const retryOn = retryPolicy?.retryOn ?? "";
  const perTry = milliseconds(retryPolicy?.perTryTimeout);
  return [
    ...(prefixRewrite === "" ? [] : [`rewrites the prefix of the path to ${prefixRewrite}`]),
    ...(regexRewrite === undefined
      ? []
      : [`rewrites ${regexRewrite.pattern?.regex} in the path to ${regexRewrite.substitution}`]),
    ...(host.case === "hostRewriteLiteral" ? [`rewrites the host to ${host.value}`] : []),
    limit === 0 ? "no timeout" : `timeout ${limit} ms, with all retries`,
    ...(retryOn === ""
      ? []
      : [
          `up to ${retryPolicy?.numRetries ?? 1} retries on ${retryOn}${perTry === 0 ? "" : `, each try ${perTry} ms at most`}`,
        ]),
    ...action.requestMirrorPolicies.map(
      ({ cluster, runtimeFraction }) => `mirrors ${percentage(runtimeFraction?.defaultValue)} % to ${cluster}`,
    ),
  ];
}

function faultText(config: Any | undefined): readonly string[] {
  const fault = config && anyUnpack(config, HTTPFaultSchema);
  if (fault === undefined) return [];
  const { delay, abort } = fault;
  const fixed = delay?.faultDelaySecifier.case === "fixedDelay" ? milliseconds(delay.faultDelaySecifier.value) : 0;
  const status =
    abort?.errorType.case === "httpStatus"
      ? `with ${abort.errorType.value}`
      : abort?.errorType.case === "grpcStatus"
        ? `with gRPC status ${abort.errorType.value}`
        : "";
  return [
    ...(delay === undefined ? [] : [`delays ${percentage(delay.percentage)} % by ${fixed} ms`]),
    ...(abort === undefined ? [] : [`aborts ${percentage(abort.percentage)} % ${status}`]),
  ];
}

function percentage(fraction: FractionalPercent | undefined): number {
  const numerator = fraction?.numerator ?? 0;
  switch (fraction?.denominator) {
    case Denominator.MILLION:
      return numerator / 10_000;
    case Denominator.TEN_THOUSAND:
      return numerator / 100;
    default:
      return numerator;
  }
}

function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1000 + duration.nanos / 1_000_000;
}
