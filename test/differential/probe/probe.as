/*
 * A plugin that does what its configuration says. Each line is `event operation arguments`: when the event comes, the
 * operation runs, and what it gave is logged. `event@1` and `event@0` run at and before the end of the stream only,
 * `event#2` at the second time only. In arguments %XX is a byte.
 */
import * as host from "./host";

const OUT: usize = memory.data(64);
const OUT2: usize = OUT + 8;
const OUT3: usize = OUT + 16;

class Line {
  event: string = "";
  when: i32 = -1;
  nth: i32 = 0;
  op: string = "";
  args: string[] = [];
}

class Root {
  lines: Line[] = [];
  counts: Map<string, i32> = new Map();
  metrics: u32[] = [];
  lastStream: u32 = 0;
  lastToken: u32 = 0;
  lastCas: u32 = 0;
  lastQueue: u32 = 0;
  lastExpression: ArrayBuffer = new ArrayBuffer(0);
}

const roots = new Map<u32, Root>();
const streams = new Map<u32, Root>();

/* Text is one character per byte. */
function bytes(text: string): ArrayBuffer {
  const out = new ArrayBuffer(text.length);
  for (let i = 0; i < text.length; i++) store<u8>(changetype<usize>(out) + i, <u8>text.charCodeAt(i));
  return out;
}

function text(pointer: usize, size: usize): string {
  let out = "";
  for (let i: usize = 0; i < size; i++) out += String.fromCharCode(load<u8>(pointer + i));
  return out;
}

function printable(value: string): string {
  let out = "";
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    out += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : "\\x" + (code < 16 ? "0" : "") + code.toString(16);
  }
  return out;
}

function log(message: string): void {
  const data = bytes(message);
  host.proxy_log(2, changetype<usize>(data), data.byteLength);
}

function unescape(value: string): string {
  if (value == "-") return "";
  let out = "";
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) == 0x25) {
      out += String.fromCharCode(<i32>U32.parseInt(value.substring(i + 1, i + 3), 16));
      i += 2;
    } else out += value.charAt(i);
  }
  return out;
}

function pairs(args: string[], from: i32): ArrayBuffer {
  const count = (args.length - from) / 2;
  let size = 4;
  for (let i = from; i < from + count * 2; i++) size += 4 + args[i].length + 1;
  const out = new ArrayBuffer(size);
  const base = changetype<usize>(out);
  store<u32>(base, count);
  let at = base + 4;
  for (let i = from; i < from + count * 2; i++, at += 4) store<u32>(at, args[i].length);
  for (let i = from; i < from + count * 2; i++) {
    for (let j = 0; j < args[i].length; j++) store<u8>(at++, <u8>args[i].charCodeAt(j));
    store<u8>(at++, 0);
  }
  return out;
}

function shownPairs(pointer: usize, size: usize): string {
  if (size == 0) return "(none)";
  const count = load<u32>(pointer);
  let out = count.toString() + ":";
  let at = pointer + 4 + count * 8;
  for (let i: usize = 0; i < count; i++) {
    const nameSize = load<u32>(pointer + 4 + i * 8);
    const valueSize = load<u32>(pointer + 8 + i * 8);
    out += " " + printable(text(at, nameSize)) + "=" + printable(text(at + nameSize + 1, valueSize));
    at += nameSize + valueSize + 2;
  }
  return out;
}

function given(status: i32): string {
  return status == 0 ? "0 " + printable(text(load<u32>(OUT), load<u32>(OUT2))) : status.toString();
}

function num(value: string): u32 {
  return value.startsWith("-") ? <u32>(0 - I32.parseInt(value.substring(1))) : <u32>U64.parseInt(value);
}

function p(data: ArrayBuffer): usize {
  return changetype<usize>(data);
}

function token(root: Root, value: string): u32 {
  return value == "last" ? root.lastToken : num(value);
}

function metric(root: Root, value: string): u32 {
  return value.startsWith("id") ? num(value.substring(2)) : root.metrics[<i32>num(value)];
}

function headerOp(op: string, a: string[]): string {
  const map = num(a[0]);
  if (op == "pairs") {
    const status = host.proxy_get_header_map_pairs(map, OUT, OUT2);
    return status == 0 ? "0 " + shownPairs(load<u32>(OUT), load<u32>(OUT2)) : status.toString();
  }
  if (op == "size") {
    const status = host.proxy_get_header_map_size(map, OUT);
    return status == 0 ? "0 " + load<u32>(OUT).toString() : status.toString();
  }
  if (op == "setpairs") {
    const data = pairs(a, 1);
    return host.proxy_set_header_map_pairs(map, p(data), data.byteLength).toString();
  }
  const key = bytes(a[1]);
  if (op == "rawpairs") return host.proxy_set_header_map_pairs(map, p(key), key.byteLength).toString();
  if (op == "get") return given(host.proxy_get_header_map_value(map, p(key), key.byteLength, OUT, OUT2));
  if (op == "del") return host.proxy_remove_header_map_value(map, p(key), key.byteLength).toString();
  const value = bytes(a[2]);
  if (op == "set") return host.proxy_replace_header_map_value(map, p(key), key.byteLength, p(value), value.byteLength).toString();
  return host.proxy_add_header_map_value(map, p(key), key.byteLength, p(value), value.byteLength).toString();
}

function callOp(root: Root, op: string, a: string[]): string {
  if (op == "call") {
    const cluster = bytes(a[0]);
    const body = bytes(a[2]);
    const headers = pairs(a, 3);
    store<u32>(OUT, 999);
    const status = host.proxy_http_call(p(cluster), cluster.byteLength, p(headers), headers.byteLength, p(body), body.byteLength, 0, 0, num(a[1]), OUT);
    root.lastToken = load<u32>(OUT);
    return status.toString() + " token " + load<u32>(OUT).toString();
  }
  if (op == "send") {
    const message = bytes(a[1]);
    return host.proxy_grpc_send(token(root, a[0]), p(message), message.byteLength, <i32>num(a[2])).toString();
  }
  if (op == "cancel") return host.proxy_grpc_cancel(token(root, a[0])).toString();
  if (op == "half") return host.proxy_grpc_close(token(root, a[0])).toString();
  const cluster = bytes(a[0]);
  const service = bytes(a[1]);
  const method = bytes(a[2]);
  store<u32>(OUT, 0);
  let status = 0;
  if (op == "grpc") {
    const message = bytes(a[4]);
    const metadata = pairs(a, 5);
    status = host.proxy_grpc_call(p(cluster), cluster.byteLength, p(service), service.byteLength, p(method), method.byteLength, p(metadata), metadata.byteLength, p(message), message.byteLength, num(a[3]), OUT);
  } else {
    const metadata = pairs(a, 3);
    status = host.proxy_grpc_stream(p(cluster), cluster.byteLength, p(service), service.byteLength, p(method), method.byteLength, p(metadata), metadata.byteLength, OUT);
  }
  if (status == 0) root.lastToken = load<u32>(OUT);
  return status.toString() + " token " + load<u32>(OUT).toString();
}

function sharedOp(root: Root, op: string, a: string[]): string {
  const name = bytes(a[0]);
  if (op == "sdget") {
    const status = host.proxy_get_shared_data(p(name), name.byteLength, OUT, OUT2, OUT3);
    if (status == 0) root.lastCas = load<u32>(OUT3);
    return given(status);
  }
  if (op == "sdset") {
    const value = bytes(a[1]);
    const cas = a[2] == "last" ? root.lastCas : a[2] == "stale" ? root.lastCas + 100000 : num(a[2]);
    return host.proxy_set_shared_data(p(name), name.byteLength, p(value), value.byteLength, cas).toString();
  }
  if (op == "qreg") {
    const status = host.proxy_register_shared_queue(p(name), name.byteLength, OUT);
    root.lastQueue = load<u32>(OUT);
    return status.toString();
  }
  if (op == "qres") {
    const queue = bytes(a[1]);
    const status = host.proxy_resolve_shared_queue(p(name), name.byteLength, p(queue), queue.byteLength, OUT);
    if (status == 0) root.lastQueue = load<u32>(OUT);
    return status.toString();
  }
  const id = a[0] == "last" ? root.lastQueue : num(a[0]);
  if (op == "deq") return given(host.proxy_dequeue_shared_queue(id, OUT, OUT2));
  const value = bytes(a[1]);
  return host.proxy_enqueue_shared_queue(id, p(value), value.byteLength).toString();
}

function metricOp(root: Root, op: string, a: string[]): string {
  if (op == "def") {
    const name = bytes(a[1]);
    store<u32>(OUT, 0);
    const status = host.proxy_define_metric(num(a[0]), p(name), name.byteLength, OUT);
    if (status == 0) root.metrics.push(load<u32>(OUT));
    return status.toString() + " id " + load<u32>(OUT).toString();
  }
  const id = metric(root, a[0]);
  if (op == "inc") return host.proxy_increment_metric(id, I64.parseInt(a[1])).toString();
  if (op == "rec") return host.proxy_record_metric(id, U64.parseInt(a[1])).toString();
  const status = host.proxy_get_metric(id, OUT);
  return status == 0 ? "0 " + load<u64>(OUT).toString() : status.toString();
}

function wasiOp(a: string[]): string {
  const name = a[0];
  if (name == "write") {
    const data = bytes(a[2]);
    store<u32>(OUT, <u32>p(data));
    store<u32>(OUT + 4, data.byteLength);
    const status = host.fd_write(<i32>num(a[1]), OUT, 1, OUT2);
    return status.toString() + (status == 0 ? " " + load<u32>(OUT2).toString() : "");
  }
  if (name == "random") {
    const size = num(a[1]);
    return host.random_get(p(new ArrayBuffer(size)), size).toString();
  }
  if (name == "clock") {
    const status = host.clock_time_get(<i32>num(a[1]), 0, OUT);
    return status.toString() + (status == 0 && load<u64>(OUT) > 0 ? " runs" : "");
  }
  if (name == "res") return host.clock_res_get(<i32>num(a[1]), OUT).toString() + " " + load<u64>(OUT).toString();
  if (name == "env") {
    host.environ_sizes_get(OUT, OUT2);
    const count = load<u32>(OUT);
    const size = load<u32>(OUT2);
    const pointers = new ArrayBuffer(count * 4);
    const data = new ArrayBuffer(size);
    const status = host.environ_get(p(pointers), p(data));
    return status.toString() + " " + count.toString() + " " + printable(text(p(data), size));
  }
  if (name == "args") return host.args_sizes_get(OUT, OUT2).toString() + " " + load<u32>(OUT).toString();
  if (name == "read") return host.fd_read(0, OUT, 0, OUT2).toString();
  if (name == "close") return host.fd_close(1).toString();
  if (name == "fdstat") return host.fd_fdstat_get(<i32>num(a[1]), OUT).toString();
  if (name == "prestat") return host.fd_prestat_get(3, OUT).toString();
  if (name == "yield") return host.sched_yield().toString();
  if (name == "poll") return host.poll_oneoff(OUT, OUT, 1, OUT2).toString() + " " + load<u32>(OUT2).toString();
  host.proc_exit(1);
  return "came back";
}

/* Pointers outside the memory. */
function badOp(name: string): string {
  const far: usize = 0xfffffff0;
  if (name == "log") return host.proxy_log(2, far, 100).toString();
  if (name == "get") return host.proxy_get_header_map_value(0, far, 100, OUT, OUT2).toString();
  if (name == "out") {
    const key = bytes(":path");
    return host.proxy_get_header_map_value(0, p(key), key.byteLength, far, OUT2).toString();
  }
  if (name == "set") return host.proxy_replace_header_map_value(0, far, 100, far, 100).toString();
  if (name == "prop") return host.proxy_get_property(far, 100, OUT, OUT2).toString();
  if (name == "sdget") return host.proxy_get_shared_data(far, 100, OUT, OUT2, OUT3).toString();
  if (name == "reply") return host.proxy_send_local_response(200, far, 100, 0, 0, 0, 0, -1).toString();
  if (name == "metric") return host.proxy_define_metric(0, far, 100, OUT).toString();
  if (name == "buffer") return host.proxy_get_buffer_bytes(6, 0, 100, far, far).toString();
  if (name == "overflow") return host.proxy_get_buffer_bytes(0, 0xffffffff, 0xffffffff, OUT, OUT2).toString();
  return host.fd_write(1, far, 1, OUT).toString();
}

function streamOp(root: Root, op: string, a: string[]): string {
  if (op == "cont") return host.proxy_continue_stream(num(a[0])).toString();
  if (op == "close") return host.proxy_close_stream(num(a[0])).toString();
  if (op == "eff") return host.proxy_set_effective_context(a[0] == "last" ? root.lastStream : num(a[0])).toString();
  if (op == "tick") return host.proxy_set_tick_period_milliseconds(num(a[0])).toString();
  const details = bytes(a[1]);
  const body = bytes(a[2]);
  const headers = pairs(a, 4);
  return host.proxy_send_local_response(num(a[0]), p(details), details.byteLength, p(body), body.byteLength, p(headers), headers.byteLength, <i32>num(a[3])).toString();
}

function bufferOp(op: string, a: string[]): string {
  const type = num(a[0]);
  if (op == "buf") return given(host.proxy_get_buffer_bytes(type, num(a[1]), num(a[2]), OUT, OUT2));
  if (op == "bufst") {
    const status = host.proxy_get_buffer_status(type, OUT, OUT2);
    return status == 0 ? "0 " + load<u32>(OUT).toString() + " " + load<u32>(OUT2).toString() : status.toString();
  }
  const data = bytes(a[3]);
  return host.proxy_set_buffer_bytes(type, num(a[1]), num(a[2]), p(data), data.byteLength).toString();
}

function run(root: Root, op: string, a: string[]): string {
  if (op == "get" || op == "pairs" || op == "size" || op == "set" || op == "add" || op == "del" || op == "setpairs" || op == "rawpairs") return headerOp(op, a);
  if (op == "call" || op == "grpc" || op == "stream" || op == "send" || op == "cancel" || op == "half") return callOp(root, op, a);
  if (op == "sdget" || op == "sdset" || op == "qreg" || op == "qres" || op == "enq" || op == "deq") return sharedOp(root, op, a);
  if (op == "def" || op == "inc" || op == "rec" || op == "getm") return metricOp(root, op, a);
  if (op == "buf" || op == "bufst" || op == "setbuf") return bufferOp(op, a);
  if (op == "cont" || op == "close" || op == "eff" || op == "tick" || op == "reply") return streamOp(root, op, a);
  if (op == "wasi") return wasiOp(a);
  if (op == "bad") return badOp(a[0]);
  if (op == "prop") {
    const path = bytes(a[0]);
    const status = host.proxy_get_property(p(path), path.byteLength, OUT, OUT2);
    return a.length > 1 && a[1] == "pairs" && status == 0 ? "0 " + shownPairs(load<u32>(OUT), load<u32>(OUT2)) : a.length > 1 && status == 0 ? "0 " + load<u32>(OUT2).toString() + " bytes" : given(status);
  }
  if (op == "setprop") {
    const path = bytes(a[0]);
    const value = bytes(a[1]);
    return host.proxy_set_property(p(path), path.byteLength, p(value), value.byteLength).toString();
  }
  if (op == "status") {
    store<u32>(OUT3, 0);
    const status = host.proxy_get_status(OUT3, OUT, OUT2);
    return load<u32>(OUT3).toString() + " " + given(status);
  }
  if (op == "log") {
    const message = bytes(a[1]);
    return host.proxy_log(<i32>num(a[0]), p(message), message.byteLength).toString();
  }
  if (op == "level") return host.proxy_get_log_level(OUT).toString() + " " + load<u32>(OUT).toString();
  if (op == "time") return host.proxy_get_current_time_nanoseconds(OUT).toString() + (load<u64>(OUT) > 1000000000000000000 ? " wall" : " other");
  if (op == "done") return host.proxy_done().toString();
  if (op == "foreign") {
    const name = bytes(a[0]);
    const argument = bytes(a[1]);
    if (a.length > 2) return host.proxy_call_foreign_function(p(name), name.byteLength, p(argument), argument.byteLength, 0, 0).toString();
    return given(host.proxy_call_foreign_function(p(name), name.byteLength, p(argument), argument.byteLength, OUT, OUT2));
  }
  if (op == "trap") unreachable();
  if (op == "trapif") {
    const key = bytes(":path");
    const status = host.proxy_get_header_map_value(0, p(key), key.byteLength, OUT, OUT2);
    if (status == 0 && text(load<u32>(OUT), load<u32>(OUT2)) == a[0]) unreachable();
    return "no";
  }
  if (op == "oob") return load<u32>(0xfffffff0).toString();
  return "unknown operation";
}

function on(root: Root | null, event: string, detail: string, result: u32, end: i32 = -1): u32 {
  if (root == null) return result;
  log(event + detail);
  const nth = (root.counts.has(event) ? root.counts.get(event) : 0) + 1;
  root.counts.set(event, nth);
  for (let i = 0; i < root.lines.length; i++) {
    const line = root.lines[i];
    if (line.event != event || (line.when >= 0 && line.when != end) || (line.nth > 0 && line.nth != nth)) continue;
    if (line.op == "return") result = num(line.args[0]);
    else {
      const before = line.op + " " + printable(line.args.join(" "));
      if (line.op == "trap" || line.op == "oob") log(before);
      log(before + " -> " + run(root, line.op, line.args));
    }
  }
  return result;
}

function parse(config: string): Line[] {
  const lines: Line[] = [];
  const all = config.split("\n");
  for (let i = 0; i < all.length; i++) {
    const words = all[i].split(" ");
    if (words.length < 2) continue;
    const line = new Line();
    let event = words[0];
    const hash = event.indexOf("#");
    if (hash > 0) {
      line.nth = <i32>num(event.substring(hash + 1));
      event = event.substring(0, hash);
    }
    const at = event.indexOf("@");
    if (at > 0) {
      line.when = <i32>num(event.substring(at + 1));
      event = event.substring(0, at);
    }
    line.event = event;
    line.op = words[1];
    for (let j = 2; j < words.length; j++) line.args.push(unescape(words[j]));
    lines.push(line);
  }
  return lines;
}

function rootOf(id: u32): Root | null {
  if (roots.has(id)) return roots.get(id);
  return streams.has(id) ? streams.get(id) : null;
}

function n(value: u32): string {
  return " " + value.toString();
}

export function proxy_abi_version_0_2_1(): void {}

export function malloc(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) {
    const root = new Root();
    roots.set(id, root);
    // The script is in the configuration, which can be read here.
    if (host.proxy_get_buffer_bytes(7, 0, 1000000, OUT, OUT2) == 0) root.lines = parse(text(load<u32>(OUT), load<u32>(OUT2)));
    on(root, "create_root", "", 0);
  } else {
    const root = roots.get(parent);
    streams.set(id, root);
    root.lastStream = id;
    on(root, "create_stream", "", 0);
  }
}

export function proxy_on_vm_start(id: u32, size: u32): u32 { return on(rootOf(id), "vm_start", n(size), 1); }
export function proxy_on_configure(id: u32, size: u32): u32 { return on(rootOf(id), "configure", "", 1); }
export function proxy_on_tick(id: u32): void { on(rootOf(id), "tick", "", 0); }
export function proxy_on_queue_ready(id: u32, token: u32): void {
  const root = rootOf(id);
  if (root != null) root.lastQueue = token;
  on(root, "queue", "", 0);
}
export function proxy_on_new_connection(id: u32): u32 { return on(rootOf(id), "new_connection", "", 0); }
export function proxy_on_downstream_data(id: u32, size: u32, end: u32): u32 { return on(rootOf(id), "downstream", n(size) + n(end), 0, end); }
export function proxy_on_upstream_data(id: u32, size: u32, end: u32): u32 { return on(rootOf(id), "upstream", n(size) + n(end), 0, end); }
export function proxy_on_downstream_connection_close(id: u32, peer: u32): void { on(rootOf(id), "downstream_close", n(peer), 0); }
export function proxy_on_upstream_connection_close(id: u32, peer: u32): void { on(rootOf(id), "upstream_close", n(peer), 0); }
export function proxy_on_request_headers(id: u32, count: u32, end: u32): u32 { return on(rootOf(id), "request_headers", n(count) + n(end), 0, end); }
export function proxy_on_request_body(id: u32, size: u32, end: u32): u32 { return on(rootOf(id), "request_body", n(size) + n(end), 0, end); }
export function proxy_on_request_trailers(id: u32, count: u32): u32 { return on(rootOf(id), "request_trailers", n(count), 0); }
export function proxy_on_response_headers(id: u32, count: u32, end: u32): u32 { return on(rootOf(id), "response_headers", n(count) + n(end), 0, end); }
export function proxy_on_response_body(id: u32, size: u32, end: u32): u32 { return on(rootOf(id), "response_body", n(size) + n(end), 0, end); }
export function proxy_on_response_trailers(id: u32, count: u32): u32 { return on(rootOf(id), "response_trailers", n(count), 0); }
export function proxy_on_http_call_response(id: u32, token: u32, headers: u32, size: u32, trailers: u32): void { on(rootOf(id), "call", n(token) + n(headers) + n(size) + n(trailers), 0); }
export function proxy_on_grpc_receive_initial_metadata(id: u32, token: u32, count: u32): void { on(rootOf(id), "grpc_initial", n(token), 0); }
export function proxy_on_grpc_receive(id: u32, token: u32, size: u32): void { on(rootOf(id), "grpc_receive", n(token) + n(size), 0); }
export function proxy_on_grpc_receive_trailing_metadata(id: u32, token: u32, count: u32): void { on(rootOf(id), "grpc_trailing", n(token), 0); }
export function proxy_on_grpc_close(id: u32, token: u32, status: u32): void { on(rootOf(id), "grpc_close", n(token) + n(status), 0); }
export function proxy_on_done(id: u32): u32 { return on(rootOf(id), "done", "", 1); }
export function proxy_on_log(id: u32): void { on(rootOf(id), "log", "", 0); }
export function proxy_on_delete(id: u32): void {
  on(rootOf(id), "delete", "", 0);
  streams.delete(id);
}

export function onAbort(message: string | null, file: string | null, line: u32, column: u32): void {
  log("abort " + (message == null ? "" : message) + " " + (file == null ? "" : file) + ":" + line.toString());
  unreachable();
}
