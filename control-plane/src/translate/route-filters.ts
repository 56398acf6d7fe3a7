import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema } from "../envoy-api/gen/envoy/config/route/v3/route_components_pb.js";
import { CorsPolicySchema } from "../envoy-api/gen/envoy/extensions/filters/http/cors/v3/cors_pb.js";
import { HTTPFaultSchema } from "../envoy-api/gen/envoy/extensions/filters/http/fault/v3/fault_pb.js";
import {
  FractionalPercent_DenominatorType,
  type FractionalPercentSchema,
} from "../envoy-api/gen/envoy/type/v3/percent_pb.js";
import type { CorsPolicy, Fault } from "../model/http-route.js";
import { milliseconds } from "./duration.js";
import { pack } from "./encode.js";
import { CORS_FILTER, FAULT_FILTER, routeSlotName } from "./names.js";
import { stringMatcher } from "./route-match.js";

/** What a route tells the filters that stand in the chain for it. */
export function routeFilters({
  fault,
  cors,
  pluginSlot,
}: {
  readonly fault?: Fault;
  readonly cors?: CorsPolicy;
  readonly pluginSlot?: number;
}): Record<string, Any> {
  return {
    ...(fault === undefined ? {} : { [FAULT_FILTER]: pack(HTTPFaultSchema, httpFault(fault)) }),
    ...(cors === undefined ? {} : { [CORS_FILTER]: pack(CorsPolicySchema, corsPolicy(cors)) }),
    ...(pluginSlot === undefined ? {} : { [routeSlotName(pluginSlot)]: ENABLED }),
  };
}

/** Wakes a filter that is disabled. Envoy wants the field to be there, and refuses one without it as empty. */
const ENABLED = pack(FilterConfigSchema, { config: {} });

function httpFault({ delay, abort }: Fault): MessageInitShape<typeof HTTPFaultSchema> {
  return {
    ...(delay === undefined
      ? {}
      : {
          delay: {
            faultDelaySecifier: { case: "fixedDelay", value: milliseconds(delay.delayMs) },
            percentage: fractionalPercent(delay.percentage),
          },
        }),
    ...(abort === undefined
      ? {}
      : {
          abort: {
            errorType:
              abort.status.kind === "http"
                ? { case: "httpStatus", value: abort.status.code }
                : { case: "grpcStatus", value: abort.status.code },
            percentage: fractionalPercent(abort.percentage),
          },
        }),
  };
}

function corsPolicy(policy: CorsPolicy): MessageInitShape<typeof CorsPolicySchema> {
  return {
    allowOriginStringMatch: policy.allowOrigins.map(stringMatcher),
    allowMethods: policy.allowMethods.join(","),
    allowHeaders: policy.allowHeaders.join(","),
    exposeHeaders: policy.exposeHeaders.join(","),
    maxAge: policy.maxAgeSeconds === undefined ? "" : String(policy.maxAgeSeconds),
    ...(policy.allowCredentials === undefined ? {} : { allowCredentials: policy.allowCredentials }),
    forwardNotMatchingPreflights: policy.forwardUnmatchedPreflights,
    filterEnabled: { defaultValue: fractionalPercent(100) },
  };
}

/** A share of 0 to 100, as exactly as Envoy can count. */
export function fractionalPercent(percentage: number): MessageInitShape<typeof FractionalPercentSchema> {
  return {
    numerator: Math.round(percentage * 10_000),
    denominator: FractionalPercent_DenominatorType.MILLION,
  };
}
