/*
 * The names of @solo-io/proxy-runtime on top of this SDK, for plugins that were written for it. Where that package did
 * not work this one does: a missing property is empty, metrics keep their values, a stream that is gone is not called.
 */
export { BaseContext, Context, HttpCallback, RootContext } from "./contexts";
export * from "./host-calls";
export { registerRootContext } from "./register";
export { stream_context } from "./stream-context";
export * from "./values";
