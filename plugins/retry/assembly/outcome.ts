/*
 * Why the last try of a request failed, from what Envoy says of it.
 * Flags: https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/advanced/substitution_formatter (RESPONSE_FLAGS)
 */
export enum Reason {
  None,
  ClientLeft,
  PerTryTimeout,
  Timeout,
  ConnectFailure,
  Refused,
  Reset,
  Overflow,
  NoHealthyUpstream,
  GrpcStatus,
  RetriableStatus,
  ServerError,
  Other,
}

/** The values of the label `reason`. */
const NAMES: string[] = [
  "none",
  "client_left",
  "per_try_timeout",
  "timeout",
  "connect_failure",
  "refused",
  "reset",
  "overflow",
  "no_healthy_upstream",
  "grpc_status",
  "retriable_status",
  "5xx",
  "other",
];

export function reasonName(reason: Reason): string {
  return NAMES[reason];
}

/* Bits of response.flags. */
const NO_HEALTHY_UPSTREAM: i64 = 1 << 1;
const UPSTREAM_TIMEOUT: i64 = 1 << 2;
const LOCAL_RESET: i64 = 1 << 3;
const REMOTE_RESET: i64 = 1 << 4;
const CONNECTION_FAILURE: i64 = 1 << 5;
const CONNECTION_TERMINATION: i64 = 1 << 6;
const UPSTREAM_OVERFLOW: i64 = 1 << 7;
const DOWNSTREAM_TERMINATION: i64 = 1 << 14;
const STREAM_IDLE_TIMEOUT: i64 = 1 << 16;
const MAX_STREAM_DURATION: i64 = 1 << 19;
const DURATION_TIMEOUT: i64 = 1 << 22;
const PROTOCOL_ERROR: i64 = 1 << 23;
const DOWNSTREAM_REMOTE_RESET: i64 = 1 << 28;

/**
 * None where the answer is good. `grpcStatus` is 0 for what is not gRPC; `codes` are the statuses that the user wants
 * retried.
 */
export function reasonOf(flags: i64, details: string, code: i64, grpcStatus: i64, codes: u32[]): Reason {
  if (flags & (DOWNSTREAM_TERMINATION | DOWNSTREAM_REMOTE_RESET)) return Reason.ClientLeft;
  if (flags & UPSTREAM_TIMEOUT) return details.includes("per_try") ? Reason.PerTryTimeout : Reason.Timeout;
  if (flags & (STREAM_IDLE_TIMEOUT | MAX_STREAM_DURATION | DURATION_TIMEOUT)) return Reason.Timeout;
  if (flags & CONNECTION_FAILURE) return Reason.ConnectFailure;
  if (flags & UPSTREAM_OVERFLOW) return Reason.Overflow;
  if (flags & NO_HEALTHY_UPSTREAM) return Reason.NoHealthyUpstream;
  if (flags & (REMOTE_RESET | LOCAL_RESET) && details.includes("refused_stream")) return Reason.Refused;
  if (flags & (REMOTE_RESET | LOCAL_RESET | CONNECTION_TERMINATION | PROTOCOL_ERROR)) return Reason.Reset;
  if (code > 0 && codes.includes(<u32>code)) return Reason.RetriableStatus;
  if (code >= 500) return Reason.ServerError;
  if (grpcStatus != 0) return Reason.GrpcStatus;
  return code == 0 ? Reason.Other : Reason.None;
}
