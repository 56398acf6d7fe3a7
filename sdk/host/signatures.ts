/*
 * Types of what Envoy 1.40 registers for ABI 0.2.x and of the callbacks that it looks up. `i` is i32, `I` is i64; what
 * stands after the colon is the result.
 */
import type { Signature } from "../wasm/describe-module.js";

export type { Signature } from "../wasm/describe-module.js";

const PROXY: Record<string, Signature> = {
  log: "iii:i",
  get_status: "iii:i",
  set_property: "iiii:i",
  get_property: "iiii:i",
  send_local_response: "iiiiiiii:i",
  get_shared_data: "iiiii:i",
  set_shared_data: "iiiii:i",
  register_shared_queue: "iii:i",
  resolve_shared_queue: "iiiii:i",
  dequeue_shared_queue: "iii:i",
  enqueue_shared_queue: "iii:i",
  get_header_map_value: "iiiii:i",
  add_header_map_value: "iiiii:i",
  replace_header_map_value: "iiiii:i",
  remove_header_map_value: "iii:i",
  get_header_map_pairs: "iii:i",
  set_header_map_pairs: "iii:i",
  get_header_map_size: "ii:i",
  get_buffer_status: "iii:i",
  get_buffer_bytes: "iiiii:i",
  set_buffer_bytes: "iiiii:i",
  http_call: "iiiiiiiiii:i",
  grpc_call: "iiiiiiiiiiii:i",
  grpc_stream: "iiiiiiiii:i",
  grpc_close: "i:i",
  grpc_cancel: "i:i",
  grpc_send: "iiii:i",
  set_tick_period_milliseconds: "i:i",
  get_current_time_nanoseconds: "i:i",
  define_metric: "iiii:i",
  increment_metric: "iI:i",
  record_metric: "iI:i",
  get_metric: "ii:i",
  set_effective_context: "i:i",
  done: ":i",
  call_foreign_function: "iiiiii:i",
  continue_stream: "i:i",
  close_stream: "i:i",
};

const WASI: Record<string, Signature> = {
  fd_write: "iiii:i",
  fd_read: "iiii:i",
  fd_seek: "iIii:i",
  fd_close: "i:i",
  fd_fdstat_get: "ii:i",
  fd_fdstat_set_flags: "ii:i",
  fd_fdstat_set_rights: "iII:i",
  environ_get: "ii:i",
  environ_sizes_get: "ii:i",
  args_get: "ii:i",
  args_sizes_get: "ii:i",
  clock_time_get: "iIi:i",
  clock_res_get: "ii:i",
  fd_advise: "iIIi:i",
  fd_allocate: "iII:i",
  fd_datasync: "i:i",
  fd_filestat_set_size: "iI:i",
  fd_filestat_set_times: "iIIi:i",
  fd_pread: "iiiIi:i",
  fd_pwrite: "iiiIi:i",
  fd_readdir: "iiiIi:i",
  fd_renumber: "ii:i",
  fd_sync: "i:i",
  fd_tell: "ii:i",
  path_create_directory: "iii:i",
  path_filestat_get: "iiiii:i",
  path_filestat_set_times: "iiiiIIi:i",
  path_link: "iiiiii:i",
  path_readlink: "iiiiii:i",
  path_remove_directory: "iii:i",
  path_rename: "iiiiii:i",
  path_symlink: "iiii:i",
  path_unlink_file: "iii:i",
  path_open: "iiiiiIIii:i",
  sock_accept: "iii:i",
  sock_recv: "iiiiii:i",
  sock_send: "iiiii:i",
  sock_shutdown: "ii:i",
  random_get: "ii:i",
  sched_yield: ":i",
  poll_oneoff: "iiii:i",
  proc_exit: "i:",
  fd_prestat_get: "ii:i",
  fd_prestat_dir_name: "iii:i",
  fd_filestat_get: "ii:i",
};

const RUNTIME: Record<string, Signature> = {
  pthread_equal: "ii:i",
  emscripten_notify_memory_growth: "i:",
  envoy_resolve_dns: "iii:i",
};

export const WASI_MODULES = ["wasi_snapshot_preview1", "wasi_unstable"] as const;
export const WASI_NAMES: readonly string[] = Object.keys(WASI);

/** Signatures of the host functions by `module.name`. */
export function hostSignatures(abi: AbiVersion): ReadonlyMap<string, Signature> {
  const all = new Map<string, Signature>();
  for (const [name, signature] of Object.entries(PROXY)) all.set(`env.proxy_${name}`, signature);
  if (abi === "0.2.1") all.set("env.proxy_get_log_level", "i:i");
  for (const [name, signature] of Object.entries(RUNTIME)) all.set(`env.${name}`, signature);
  for (const module of WASI_MODULES) {
    for (const [name, signature] of Object.entries(WASI)) all.set(`${module}.${name}`, signature);
  }
  return all;
}

/** The versions of the ABI that Envoy 1.40 takes. */
export type AbiVersion = "0.2.0" | "0.2.1";

/** Exports that Envoy looks up, with the only type that it takes. */
export const CALLBACKS: Readonly<Record<string, Signature>> = {
  _initialize: ":",
  _start: ":",
  main: "ii:i",
  __main_void: ":i",
  malloc: "i:i",
  proxy_on_memory_allocate: "i:i",
  proxy_validate_configuration: "ii:i",
  proxy_on_vm_start: "ii:i",
  proxy_on_configure: "ii:i",
  proxy_on_tick: "i:",
  proxy_on_context_create: "ii:",
  proxy_on_new_connection: "i:i",
  proxy_on_downstream_data: "iii:i",
  proxy_on_upstream_data: "iii:i",
  proxy_on_downstream_connection_close: "ii:",
  proxy_on_upstream_connection_close: "ii:",
  proxy_on_request_headers: "iii:i",
  proxy_on_request_body: "iii:i",
  proxy_on_request_trailers: "ii:i",
  proxy_on_request_metadata: "ii:i",
  proxy_on_response_headers: "iii:i",
  proxy_on_response_body: "iii:i",
  proxy_on_response_trailers: "ii:i",
  proxy_on_response_metadata: "ii:i",
  proxy_on_http_call_response: "iiiii:",
  proxy_on_grpc_receive: "iii:",
  proxy_on_grpc_close: "iii:",
  proxy_on_grpc_receive_initial_metadata: "iii:",
  proxy_on_grpc_receive_trailing_metadata: "iii:",
  proxy_on_queue_ready: "ii:",
  proxy_on_foreign_function: "iii:",
  proxy_on_done: "i:i",
  proxy_on_log: "i:",
  proxy_on_delete: "i:",
};

const TYPE_NAMES: Record<string, string> = { i: "i32", I: "i64", f: "f32", F: "f64", x: "unknown" };

/** As Envoy prints types: `i32 i32 -> i32`. */
export function formatSignature(signature: Signature): string {
  const [params = "", results = ""] = signature.split(":");
  const types = (text: string): string =>
    text === "" ? "void" : [...text].map((letter) => TYPE_NAMES[letter] ?? "unknown").join(" ");
  return `${types(params)} -> ${types(results)}`;
}
