/** The callbacks that an author may override, and the file of the SDK that exports each to Envoy. */
export const CALLBACKS: ReadonlyMap<string, string> = new Map([
  ["onRequestHeaders", "request-headers"],
  ["onRequestBody", "request-body"],
  ["onRequestTrailers", "request-trailers"],
  ["onResponseHeaders", "response-headers"],
  ["onResponseBody", "response-body"],
  ["onResponseTrailers", "response-trailers"],
  ["onNewConnection", "new-connection"],
  ["onDownstreamData", "downstream-data"],
  ["onUpstreamData", "upstream-data"],
  ["onDownstreamClose", "downstream-close"],
  ["onUpstreamClose", "upstream-close"],
  ["onTick", "tick"],
  ["onDone", "done"],
  ["onLog", "log"],
]);

const EXPORTS = "@weft/sdk/assembly/abi/exports/";

/** The virtual file that asc is told to compile. */
export const ENTRY_FILE = "weft-entry.ts";

/** The entry exports every callback; the transform then takes out those that the plugin does not override. */
export const ENTRY_TEXT = [
  'import "./assembly/index";',
  `export * from "${EXPORTS}base";`,
  ...Array.from(CALLBACKS.values(), (file) => `export * from "${EXPORTS}${file}";`),
].join("\n");

/** Whether the entry keeps what it exports from `path`, given the author's overridden methods. */
export function keepsExport(path: string, methods: ReadonlySet<string>): boolean {
  if (!path.startsWith(EXPORTS)) return true;
  const file = path.slice(EXPORTS.length);
  return file === "base" || Array.from(CALLBACKS).some(([method, name]) => name === file && methods.has(method));
}
