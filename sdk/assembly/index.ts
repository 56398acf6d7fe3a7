/*
 * What plugin authors import from "@weft/sdk".
 */
export { Action } from "./action";
export { Body } from "./body";
export { callout } from "./callout";
export { clock } from "./clock";
export { config, max, min, oneOf, pattern } from "./config/decorators";
export { NoConfig } from "./config/no-config";
export { HttpContext, Peer, RootContext, StreamContext } from "./contexts";
export { environmentVariable, randomBytes } from "./environment";
export {
  callForeignFunction,
  compress,
  declareProperty,
  Expression,
  LifeSpan,
  PropertyType,
  setEnvoyFilterState,
  sign,
  uncompress,
  verifySignature,
} from "./foreign-functions";
export { GrpcCall, GrpcHandler, GrpcStream } from "./grpc";
export { hash64 } from "./hash";
export { HeaderPair, Headers } from "./headers";
export { LogLevel } from "./host/log";
export { Status } from "./host/status";
export { CallFailure, HttpCall, HttpCallHandler, HttpCallResponse } from "./http-call";
export { LocalResponse } from "./local-response";
export { log } from "./log";
export { Message } from "./message";
export { CounterFamily, GaugeFamily, HistogramFamily } from "./metric-family";
export { Counter, Gauge, Histogram } from "./metrics";
export { Node, node, Workload } from "./node";
export { properties } from "./properties";
export { ProtoReader, ProtoWriter } from "./proto";
export { Regex } from "./regex/regex";
export { register, registerRoot } from "./register";
export { Labels, Route } from "./route";
export { SharedData, sharedData, Update } from "./shared-data";
export { SharedQueue } from "./shared-queue";
