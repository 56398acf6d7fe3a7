/*
 * What plugin authors import from "@weft/sdk".
 */
export { Action } from "./action";
export { clock } from "./clock";
export { config, max, min } from "./config/decorators";
export { NoConfig } from "./config/no-config";
export { HttpContext, Peer, RootContext, StreamContext } from "./contexts";
export { hash64 } from "./hash";
export { HeaderPair, Headers } from "./headers";
export { LogLevel } from "./host/log";
export { Status } from "./host/status";
export { LocalResponse } from "./local-response";
export { log } from "./log";
export { Message } from "./message";
export { Counter, Gauge, Histogram } from "./metrics";
export { properties } from "./properties";
export { register, registerRoot } from "./register";
export { Labels, Route } from "./route";
export { SharedData, sharedData, Update } from "./shared-data";
