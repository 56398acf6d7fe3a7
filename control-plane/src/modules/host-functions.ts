/**
 * The functions that Envoy 1.40 gives to a module of ABI 0.2.1, with their number of parameters. All parameters are
 * i32 but for those listed in WIDE, all return i32. https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1
 */
const PROXY_FUNCTIONS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    proxy_log: 3,
    proxy_get_log_level: 1,
    proxy_get_current_time_nanoseconds: 1,
    proxy_set_tick_period_milliseconds: 1,
    proxy_get_buffer_bytes: 5,
    proxy_get_buffer_status: 3,
    proxy_set_buffer_bytes: 5,
    proxy_get_header_map_pairs: 3,
    proxy_get_header_map_value: 5,
    proxy_get_header_map_size: 2,
    proxy_set_header_map_pairs: 3,
    proxy_add_header_map_value: 5,
    proxy_replace_header_map_value: 5,
    proxy_remove_header_map_value: 3,
    proxy_get_property: 4,
    proxy_set_property: 4,
    proxy_continue_stream: 1,
    proxy_close_stream: 1,
    proxy_send_local_response: 8,
    proxy_http_call: 10,
    proxy_grpc_call: 12,
    proxy_grpc_stream: 9,
    proxy_grpc_send: 4,
    proxy_grpc_cancel: 1,
    proxy_grpc_close: 1,
    proxy_get_status: 3,
    proxy_get_shared_data: 5,
    proxy_set_shared_data: 5,
    proxy_register_shared_queue: 3,
    proxy_resolve_shared_queue: 5,
    proxy_enqueue_shared_queue: 3,
    proxy_dequeue_shared_queue: 3,
    proxy_define_metric: 4,
    proxy_increment_metric: 2,
    proxy_record_metric: 2,
    proxy_get_metric: 2,
    proxy_set_effective_context: 1,
    proxy_done: 0,
    proxy_call_foreign_function: 6,
  }),
);

/** Functions whose parameter at this place is an i64. */
const WIDE: ReadonlyMap<string, number> = new Map([
  ["proxy_increment_metric", 1],
  ["proxy_record_metric", 1],
]);

/** WASI functions of Envoy, real or answering that they do nothing. */
const WASI_FUNCTIONS: ReadonlySet<string> = new Set([
  "args_get",
  "args_sizes_get",
  "clock_res_get",
  "clock_time_get",
  "environ_get",
  "environ_sizes_get",
  "fd_advise",
  "fd_allocate",
  "fd_close",
  "fd_datasync",
  "fd_fdstat_get",
  "fd_fdstat_set_flags",
  "fd_fdstat_set_rights",
  "fd_filestat_get",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
  "fd_pread",
  "fd_prestat_dir_name",
  "fd_prestat_get",
  "fd_pwrite",
  "fd_read",
  "fd_readdir",
  "fd_renumber",
  "fd_seek",
  "fd_sync",
  "fd_tell",
  "fd_write",
  "path_create_directory",
  "path_filestat_get",
  "path_filestat_set_times",
  "path_link",
  "path_open",
  "path_readlink",
  "path_remove_directory",
  "path_rename",
  "path_symlink",
  "path_unlink_file",
  "poll_oneoff",
  "proc_exit",
  "random_get",
  "sched_yield",
  "sock_accept",
  "sock_recv",
  "sock_send",
  "sock_shutdown",
]);

const WASI_MODULES: ReadonlySet<string> = new Set(["wasi_snapshot_preview1", "wasi_unstable"]);

/** Why Envoy would not link this import; undefined when it would. */
export function linkProblem(module: string, name: string, signature: string | undefined): string | undefined {
  if (WASI_MODULES.has(module)) return WASI_FUNCTIONS.has(name) ? undefined : "Envoy has no such WASI function";
  const parameters = module === "env" ? PROXY_FUNCTIONS.get(name) : undefined;
  if (parameters === undefined)
    return "Envoy has no such function (built with another ABI, or with a standard library that needs a host)";
  const types = Array.from({ length: parameters }, (_, i) => (WIDE.get(name) === i ? "i64" : "i32"));
  const expected = `(${types.join(",")})->(i32)`;
  return signature === expected
    ? undefined
    : `its signature is ${signature ?? "not a function"}, Envoy's is ${expected}`;
}
