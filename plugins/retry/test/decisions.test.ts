import { evaluationTable } from "../../../test/evaluation-table.js";

const DECLARATIONS = `
import { grpcFault, httpFault, words } from "./conditions";
import { Config, NonIdempotent, Rule } from "./config";
import { reasonName, reasonOf } from "./outcome";
import { isGrpc, Policies, unprocessed, Verdict } from "./policy";

function text(value: string | null): string {
  return value === null ? "fine" : value;
}

function ruled(prefix: string, methods: string[], idempotent: bool, maxRetries: i32): Rule {
  const rule = new Rule();
  rule.pathPrefix = prefix;
  rule.methods = methods;
  rule.idempotent = idempotent;
  rule.maxRetries = maxRetries;
  return rule;
}

/* GETs of /off never, POSTs to /search always, everything below /slow otherwise, the rest by its method. */
function config(nonIdempotent: NonIdempotent): Config {
  const config = new Config();
  config.nonIdempotent = nonIdempotent;
  const slow = ruled("/slow", [], false, 1);
  slow.retryOn = " reset ,connect-failure";
  slow.grpcRetryOn = "internal";
  slow.perTryTimeoutMs = 250;
  config.rules = [ruled("/off", ["GET"], false, 0), ruled("/search", ["POST"], true, -1), slow];
  return config;
}

const VERDICTS = ["retry", "unprocessed", "off", "not idempotent"];

function decide(method: string, path: string, hasKey: bool, nonIdempotent: NonIdempotent): string {
  const policies = new Policies(config(nonIdempotent));
  const rule = policies.ruleFor(method, path);
  return VERDICTS[policies.verdict(rule, policies.isIdempotent(rule, method) || hasKey)];
}

function policy(rule: i32, statusCodes: u32[]): string {
  const all = config(NonIdempotent.never);
  all.statusCodes = statusCodes;
  const policy = new Policies(all).policy(rule);
  return [policy.maxRetries.toString(), policy.retryOn, policy.grpcRetryOn, policy.perTryTimeout].join(" ");
}

function reason(flags: i64, details: string, code: i64, grpcStatus: i64 = 0): string {
  return reasonName(reasonOf(flags, details, code, grpcStatus, [429]));
}
`;

const HTTP =
  "5xx, gateway-error, reset, reset-before-request, connect-failure, envoy-ratelimited, retriable-4xx, " +
  "refused-stream, retriable-status-codes, retriable-headers, http3-post-connect-failure";

const CASES: [string, string][] = [
  // Words.
  ['words(" a , b").join("|")', "a|b"],
  ['words("").length.toString()', "0"],
  [`text(httpFault("${HTTP}"))`, "fine"],
  ['text(httpFault("5xx,reset,5XX"))', `field "retryOn" has the condition "5XX"; Envoy knows ${HTTP}`],
  ['text(httpFault("5xx,"))', `field "retryOn" has the condition ""; Envoy knows ${HTTP}`],
  ['text(httpFault("unavailable"))', 'field "retryOn" has the condition "unavailable"; it belongs in "grpcRetryOn"'],
  ['text(grpcFault("cancelled, deadline-exceeded,internal,resource-exhausted,unavailable"))', "fine"],
  ['text(grpcFault(""))', "fine"],
  ['text(grpcFault("reset"))', 'field "grpcRetryOn" has the condition "reset"; it belongs in "retryOn"'],

  // Which requests.
  ['decide("GET", "/", false, NonIdempotent.never)', "retry"],
  ['decide("get", "/", false, NonIdempotent.never)', "not idempotent"],
  ['decide("POST", "/", false, NonIdempotent.never)', "not idempotent"],
  ['decide("PATCH", "/", false, NonIdempotent.never)', "not idempotent"],
  ['decide("POST", "/", true, NonIdempotent.never)', "retry"],
  ['decide("POST", "/", false, NonIdempotent.unprocessed)', "unprocessed"],
  ['decide("POST", "/", true, NonIdempotent.unprocessed)', "retry"],
  ['decide("POST", "/", false, NonIdempotent.always)', "retry"],
  ['decide("GET", "/off/1", false, NonIdempotent.always)', "off"],
  ['decide("PUT", "/off/1", false, NonIdempotent.never)', "retry"],
  ['decide("POST", "/search?q=1", false, NonIdempotent.never)', "retry"],
  ['decide("PATCH", "/search?q=1", false, NonIdempotent.never)', "not idempotent"],

  // How.
  ["policy(-1, [])", "3 5xx,reset,connect-failure unavailable "],
  ["policy(-1, [409, 429])", "3 5xx,reset,connect-failure,retriable-status-codes unavailable "],
  ["policy(0, [])", "0 5xx,reset,connect-failure unavailable "],
  ["policy(2, [])", "1 reset,connect-failure internal 250"],
  [
    "unprocessed(new Policies(config(NonIdempotent.never)).policy(2)).retryOn",
    "connect-failure,refused-stream,reset-before-request",
  ],
  ['isGrpc("application/grpc").toString()', "true"],
  ['isGrpc("application/grpc+proto").toString()', "true"],
  ['isGrpc("application/grpc;charset=a").toString()', "true"],
  ['isGrpc("application/grpc-web").toString()', "false"],
  ['isGrpc("application/json").toString()', "false"],
  ["isGrpc(null).toString()", "false"],

  // Why it failed.
  ['reason(0, "via_upstream", 200)', "none"],
  ['reason(0, "via_upstream", 404)', "none"],
  ['reason(0, "via_upstream", 500)', "5xx"],
  ['reason(1 << 15, "via_upstream", 500)', "5xx"],
  ['reason(0, "via_upstream", 429)', "retriable_status"],
  ['reason(0, "via_upstream", 200, 14)', "grpc_status"],
  ['reason(1 << 14, "downstream_remote_disconnect", 0)', "client_left"],
  ['reason(1 << 2, "upstream_per_try_timeout", 504)', "per_try_timeout"],
  ['reason(1 << 2, "response_timeout", 504)', "timeout"],
  ['reason(1 << 5, "upstream_reset_before_response_started{remote_connection_failure}", 503)', "connect_failure"],
  ['reason(1 << 4, "upstream_reset_before_response_started{remote_refused_stream_reset}", 503)', "refused"],
  ['reason(1 << 4, "upstream_reset_before_response_started{remote_reset}", 503)', "reset"],
  ['reason(1 << 6, "upstream_reset_before_response_started{connection_termination}", 503)', "reset"],
  ['reason(1 << 6, "upstream_reset_after_response_started{connection_termination}", 200)', "reset"],
  ['reason(1 << 7, "upstream_reset_before_response_started{overflow}", 503)', "overflow"],
  ['reason(1 << 1, "no_healthy_upstream", 503)', "no_healthy_upstream"],
  ['reason(0, "", 0)', "other"],
];

evaluationTable("retry", DECLARATIONS, CASES);
