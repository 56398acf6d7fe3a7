/** What host functions are for, as `weft plugin inspect` groups them: the first pattern that matches counts. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ["headers and trailers", /^proxy_.*header_map/],
  ["bodies and other buffers", /^proxy_.*_buffer_/],
  ["streams", /^proxy_(continue_stream|close_stream|send_local_response)$/],
  ["log", /^proxy_(log|get_log_level)$/],
  ["properties", /^proxy_[gs]et_property$/],
  ["HTTP calls", /^proxy_http_call$/],
  ["gRPC calls", /^proxy_grpc_/],
  ["shared data", /^proxy_[gs]et_shared_data$/],
  ["shared queues", /_shared_queue$/],
  ["metrics", /_metric$/],
  ["time", /^proxy_(set_tick_period_milliseconds|get_current_time_nanoseconds)$/],
  ["foreign functions", /^proxy_call_foreign_function$/],
  ["contexts", /^proxy_(set_effective_context|done|get_status)$/],
];

/** The name of the group of an imported function. */
export function importGroup(module: string, name: string): string {
  if (module.startsWith("wasi_")) return "WASI";
  if (module !== "env") return "other";
  return GROUPS.find(([, pattern]) => pattern.test(name))?.[0] ?? "other";
}

/** Where a group comes in a list. */
export function groupOrder(group: string): number {
  const names = [...GROUPS.map(([name]) => name), "WASI", "other"];
  return names.indexOf(group);
}
