import type { Fault } from "../model/http-route.js";
import { readDurationMs } from "./duration.js";
import {
  type Field,
  type ObjectFields,
  type Reader,
  readInteger,
  readObject,
  readString,
  refuse,
  show,
} from "./fields.js";
import { nearest } from "./nearest.js";
import { readPercent, readPercentage } from "./percentage.js";

const GRPC_STATUSES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection */
export const readFault: Reader<Fault> = readObject((fields, field) => {
  const delay = fields.optional("delay", readDelay);
  const abort = fields.optional("abort", readAbort);
  if (!fields.has("delay") && !fields.has("abort"))
    return refuse(field, "InvalidValue", "has no fault", "give delay, abort or both");
  return { ...(delay !== undefined && { delay }), ...(abort !== undefined && { abort }) };
});

const readDelay = readObject((fields, field): Fault["delay"] => {
  fields.unsupported({ exponentialDelay: "use fixedDelay" });
  const percentage = readShare(fields, field);
  const delayMs = fields.required("fixedDelay", readDurationMs(), "say how long, for example 5s");
  return delayMs === undefined ? undefined : { percentage, delayMs };
});

const readAbort = readObject((fields, field): Fault["abort"] => {
  fields.unsupported({ http2Error: "use httpStatus or grpcStatus" });
  const percentage = readShare(fields, field);
  const http = fields.optional("httpStatus", readInteger(200, 599));
  const grpc = fields.optional("grpcStatus", readGrpcStatus);
  if (fields.has("httpStatus") === fields.has("grpcStatus"))
    return refuse(field, "InvalidValue", "has neither httpStatus nor grpcStatus, or both", "give one of them");
  if (http !== undefined) return { percentage, status: { kind: "http", code: http } };
  return grpc === undefined ? undefined : { percentage, status: { kind: "grpc", code: grpc } };
});

/** As in Istio a fault without percentage befalls no request. */
function readShare(fields: ObjectFields, field: Field): number {
  const share = fields.optional("percentage", readPercentage);
  const old = fields.optional("percent", readPercent);
  if (!fields.has("percentage") && !fields.has("percent"))
    field.problems.warning(
      [...field.path, "percentage"],
      "NeverMatches",
      "is missing, so no request has the fault",
      "write percentage: {value: 100} for all requests",
    );
  return share ?? old ?? 0;
}

function readGrpcStatus(field: Field): number | undefined {
  const name = readString()(field);
  if (name === undefined) return undefined;
  const code = GRPC_STATUSES.indexOf(name);
  if (code >= 0) return code;
  const near = nearest(name, GRPC_STATUSES);
  const hint = near === undefined ? `use one of ${GRPC_STATUSES.join(", ")}` : `did you mean ${near}?`;
  return refuse(field, "InvalidValue", `${show(name)} is not a status of gRPC`, hint);
}
