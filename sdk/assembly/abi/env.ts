/*
 * Host functions of Proxy-Wasm ABI 0.2.1, verbatim. The file's name is the name of the Wasm import module, so nothing
 * else is declared here. Every function returns a status (host/status.ts). Only what is called becomes an import.
 * https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1
 */
export declare function proxy_log(level: i32, message: usize, messageSize: usize): i32;
export declare function proxy_get_log_level(level: usize): i32;
export declare function proxy_set_tick_period_milliseconds(period: u32): i32;

export declare function proxy_get_buffer_bytes(
  buffer: i32,
  start: usize,
  maxSize: usize,
  data: usize,
  dataSize: usize,
): i32;

export declare function proxy_get_header_map_pairs(map: i32, data: usize, dataSize: usize): i32;
export declare function proxy_get_header_map_value(
  map: i32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_add_header_map_value(
  map: i32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_replace_header_map_value(
  map: i32,
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_remove_header_map_value(map: i32, key: usize, keySize: usize): i32;

export declare function proxy_get_property(path: usize, pathSize: usize, value: usize, valueSize: usize): i32;
export declare function proxy_set_property(path: usize, pathSize: usize, value: usize, valueSize: usize): i32;

export declare function proxy_get_shared_data(
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
  cas: usize,
): i32;
export declare function proxy_set_shared_data(
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
  cas: u32,
): i32;

export declare function proxy_define_metric(type: i32, name: usize, nameSize: usize, id: usize): i32;
export declare function proxy_increment_metric(id: u32, delta: i64): i32;
export declare function proxy_record_metric(id: u32, value: u64): i32;
export declare function proxy_get_metric(id: u32, value: usize): i32;

export declare function proxy_continue_stream(stream: i32): i32;
export declare function proxy_close_stream(stream: i32): i32;
export declare function proxy_send_local_response(
  status: u32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpcStatus: i32,
): i32;

export declare function proxy_call_foreign_function(
  name: usize,
  nameSize: usize,
  argument: usize,
  argumentSize: usize,
  result: usize,
  resultSize: usize,
): i32;

export declare function proxy_get_buffer_status(buffer: i32, size: usize, flags: usize): i32;
export declare function proxy_set_buffer_bytes(
  buffer: i32,
  start: usize,
  size: usize,
  data: usize,
  dataSize: usize,
): i32;

export declare function proxy_get_header_map_size(map: i32, size: usize): i32;
export declare function proxy_set_header_map_pairs(map: i32, pairs: usize, pairsSize: usize): i32;

export declare function proxy_register_shared_queue(name: usize, nameSize: usize, queue: usize): i32;
export declare function proxy_resolve_shared_queue(
  vmId: usize,
  vmIdSize: usize,
  name: usize,
  nameSize: usize,
  queue: usize,
): i32;
export declare function proxy_enqueue_shared_queue(queue: u32, value: usize, valueSize: usize): i32;
export declare function proxy_dequeue_shared_queue(queue: u32, value: usize, valueSize: usize): i32;

export declare function proxy_http_call(
  cluster: usize,
  clusterSize: usize,
  headers: usize,
  headersSize: usize,
  body: usize,
  bodySize: usize,
  trailers: usize,
  trailersSize: usize,
  timeoutMs: u32,
  token: usize,
): i32;

export declare function proxy_grpc_call(
  target: usize,
  targetSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  message: usize,
  messageSize: usize,
  timeoutMs: u32,
  token: usize,
): i32;
export declare function proxy_grpc_stream(
  target: usize,
  targetSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  token: usize,
): i32;
export declare function proxy_grpc_send(token: u32, message: usize, messageSize: usize, endOfStream: u32): i32;
export declare function proxy_grpc_cancel(token: u32): i32;
export declare function proxy_grpc_close(token: u32): i32;
export declare function proxy_get_status(code: usize, message: usize, messageSize: usize): i32;

export declare function proxy_set_effective_context(id: u32): i32;
export declare function proxy_done(): i32;
