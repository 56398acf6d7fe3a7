import { Party } from "./party";
import { responseFlags } from "./response-flags";
import { labelValue, OTHER, UNKNOWN } from "./text";

/** Istio's labels, in the order of their values; the subset is for filter state only. */
const NAMES = [
  "reporter",
  "source_workload",
  "source_workload_namespace",
  "source_principal",
  "source_app",
  "source_version",
  "source_canonical_service",
  "source_canonical_revision",
  "destination_workload",
  "destination_workload_namespace",
  "destination_principal",
  "destination_app",
  "destination_version",
  "destination_canonical_service",
  "destination_canonical_revision",
  "destination_service",
  "destination_service_name",
  "destination_service_namespace",
  "destination_subset",
  "request_protocol",
  "request_operation",
  "response_code",
  "response_flags",
  "grpc_response_status",
  "connection_security_policy",
];
const SUBSET = 18;
const OPERATION = 20;
const GRPC_STATUS = 23;

/** Of a stream that is not gRPC's. */
export const NOT_GRPC: i64 = -2;

/** What tells the streams between the same two from each other. */
export class Outcome {
  constructor(
    readonly code: i64,
    readonly flags: i64,
    /** -1: gRPC without a status. */
    readonly grpcStatus: i64,
    readonly operation: string,
  ) {}

  equals(other: Outcome): bool {
    const isSame = this.code == other.code && this.flags == other.flags && this.grpcStatus == other.grpcStatus;
    return isSame && this.operation == other.operation;
  }
}

export function isStandardLabel(name: string): bool {
  return NAMES.indexOf(name) >= 0;
}

/** The values of a stream's labels. */
export function labelValues(party: Party, outcome: Outcome): string[] {
  const values: string[] = [party.isOutbound ? "source" : "destination"];
  push(values, party.sourceValues);
  push(values, party.destinationValues);
  push(values, party.serviceValues);
  values.push(outcome.grpcStatus == NOT_GRPC ? "http" : "grpc");
  values.push(outcome.operation);
  values.push(outcome.code.toString());
  values.push(responseFlags(outcome.flags));
  values.push(outcome.grpcStatus < 0 ? "" : outcome.grpcStatus.toString());
  values.push(party.isOutbound ? UNKNOWN : party.isMutual ? "mutual_tls" : "none");
  for (let i = 0; i < values.length; i++) if (i != GRPC_STATUS) values[i] = labelValue(values[i]);
  return values;
}

/** The values of all that is beyond the limit. */
export function otherValues(isOutbound: bool): string[] {
  const values: string[] = [isOutbound ? "source" : "destination"];
  for (let i = 1; i < NAMES.length; i++) values.push(i == GRPC_STATUS ? "" : OTHER);
  return values;
}

/**
 * The labels as a part of a metric's name, `;<label>=<value>…`, which the sidecar's `stats_tags` make labels of. What is
 * empty is left out, and so is the operation where none is configured.
 */
export function nameSuffix(values: string[], omitted: string[], hasOperations: bool): string {
  let text = "";
  for (let i = 0; i < NAMES.length; i++) {
    if (values[i] == "" || i == SUBSET || (i == OPERATION && !hasOperations)) continue;
    if (omitted.indexOf(NAMES[i]) < 0) text += ";" + NAMES[i] + "=" + values[i];
  }
  return text;
}

/** One value by its label's name. */
export function valueOf(values: string[], name: string): string {
  const index = NAMES.indexOf(name);
  return index < 0 ? UNKNOWN : values[index];
}

function push(values: string[], more: string[]): void {
  for (let i = 0; i < more.length; i++) values.push(more[i]);
}
