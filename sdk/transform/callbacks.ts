/** The methods that an author may override, and the files of the SDK that export to Envoy what calls them. */
export const CALLBACKS: ReadonlyMap<string, readonly string[]> = new Map([
  ["onVmStart", ["vm-start"]],
  ["onTick", ["tick"]],
  ["onQueueReady", ["queue-ready"]],
  ["onForeignFunction", ["foreign-function"]],
  ["onRequestHeaders", ["request-headers"]],
  ["onRequestBody", ["request-body"]],
  ["onRequestTrailers", ["request-trailers"]],
  ["onRequestMetadata", ["request-metadata"]],
  ["onResponseHeaders", ["response-headers"]],
  ["onResponseBody", ["response-body"]],
  ["onResponseTrailers", ["response-trailers"]],
  ["onResponseMetadata", ["response-metadata"]],
  ["onNewConnection", ["new-connection"]],
  ["onDownstreamData", ["downstream-data"]],
  ["onUpstreamData", ["upstream-data"]],
  ["onDownstreamClose", ["downstream-close"]],
  ["onUpstreamClose", ["upstream-close"]],
  ["onHttpCallResponse", ["http-call-response"]],
  ["onGrpcInitialMetadata", ["grpc-initial-metadata"]],
  // A call ends with a message or with a close.
  ["onGrpcMessage", ["grpc-receive", "grpc-close"]],
  ["onGrpcTrailingMetadata", ["grpc-trailing-metadata"]],
  ["onDone", ["done"]],
  ["onLog", ["log"]],
]);

/** Methods of plugins for `@solo-io/proxy-runtime` that are named otherwise here, and what such plugins always need. */
export const COMPAT_CALLBACKS: readonly string[] = ["onHttpCallResponse"];
export const COMPAT_NAMES: ReadonlyMap<string, string> = new Map([["onStart", "onVmStart"]]);

const EXPORTS = "@weft/sdk/assembly/abi/exports/";

/** The virtual file that asc is told to compile. */
export const ENTRY_FILE = "weft-entry.ts";

/** The entry exports every callback; the transform then takes out those that the plugin does not override. */
export const ENTRY_TEXT = [
  'import "./assembly/index";',
  ...["base", ...new Set(Array.from(CALLBACKS.values()).flat())].map((file) => `export * from "${EXPORTS}${file}";`),
].join("\n");

/** Whether the entry keeps what it exports from `path`, given the author's overridden methods. */
export function keepsExport(path: string, methods: ReadonlySet<string>): boolean {
  if (!path.startsWith(EXPORTS)) return true;
  const file = path.slice(EXPORTS.length);
  return file === "base" || Array.from(methods).some((method) => CALLBACKS.get(method)?.includes(file));
}
