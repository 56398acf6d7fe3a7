export { MalformedModule } from "../wasm/byte-reader.js";
export {
  describeModule,
  type ExternalKind,
  type ModuleDescription,
  type ModuleImport,
  type Signature,
} from "../wasm/describe-module.js";
export type { Call, CallAnswer, GrpcCall, GrpcStreamCall, HttpCall } from "./call.js";
export type { Clock } from "./clock.js";
export type { LocalReply } from "./context.js";
export { HostError, type HostErrorCode, type Violation, type ViolationKind } from "./errors.js";
export type {
  Exchange,
  ExchangeRequest,
  ExchangeResponse,
  UpstreamHandler,
  UpstreamRequest,
  UpstreamResponse,
} from "./exchange.js";
export { type HeaderInit, type HeaderList, HeaderMap } from "./header-map.js";
export { createHost, Host, load } from "./host.js";
export type { HostLimits, HostOptions, SharedState, Target } from "./host-options.js";
export type { HttpStream } from "./http-stream.js";
export { limitMemory } from "./memory-limit.js";
export type { MetricKind, MetricStore } from "./metrics.js";
export { exportProblems, importProblem } from "./module.js";
export type { Pair } from "./pairs.js";
export type { Passed } from "./passed.js";
export type { FailurePolicy, PluginOptions } from "./plugin.js";
export {
  type PreflightLimits,
  type PreflightOptions,
  type PreflightResult,
  type PreflightStage,
  preflight,
} from "./preflight.js";
export { double, duration, type PropertyMap, type PropertyValue } from "./property-value.js";
export type { ForeignFunction, ForeignResult, LogEntry } from "./services.js";
export { type AbiVersion, CALLBACKS, hostSignatures } from "./signatures.js";
export type { LogLevel } from "./status.js";
export type { EndOfStream, StepResult, StreamOptions } from "./stream-options.js";
export type { TcpOptions, TcpStream } from "./tcp-stream.js";
