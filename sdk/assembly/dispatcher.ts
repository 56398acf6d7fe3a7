import { append, begin, write } from "./abi/report";
import { pointer, size as resultLength } from "./abi/result";
import { Buffer, fetchBuffer } from "./host/buffer";
import { LogLevel, refreshLogLevel } from "./host/log";
import { stringProperty } from "./host/property";
import { addRoot, addStream, anyContext, findRoot, forget, Root } from "./live";
import { Registration, registrations } from "./register";

const MAX_CONFIGURATION_BYTES: u32 = 1048576;

function rootId(): string {
  const id = stringProperty("plugin_root_id");
  return id === null ? "" : id;
}

/* A root id that is left out means the only plugin there is. */
function findRegistration(id: string): Registration | null {
  let at = registrations;
  if (id.length == 0 && at !== null && at.next === null) return at;
  while (at !== null) {
    if (at.rootId == id) return at;
    at = at.next;
  }
  return null;
}

export function createContext(id: u32, parent: u32): void {
  if (parent == 0) {
    const registration = findRegistration(rootId());
    if (registration !== null) addRoot(id, new Root(registration.createRoot(), registration));
    return;
  }
  const root = findRoot(parent);
  if (root !== null) addStream(id, root.registration.createStream(root.context));
}

/* The beginning of the report on what is wrong. */
function blame(name: string): void {
  begin();
  append('plugin "');
  append(name);
  append('": ');
}

export function startVm(id: u32): bool {
  const root = findRoot(id);
  return root === null || root.context.onVmStart();
}

export function configure(id: u32, size: u32): bool {
  refreshLogLevel();
  const root = findRoot(id);
  if (root === null) return refuseRootId();
  if (readConfiguration(root, size)) return root.context.onConfigure();
  write(LogLevel.Error);
  return false;
}

function readConfiguration(root: Root, size: u32): bool {
  blame(root.registration.rootId);
  append("configuration refused: ");
  if (size > MAX_CONFIGURATION_BYTES) {
    append("it is larger than 1 MiB");
    return false;
  }
  if (size == 0) return root.context.readConfig(0, 0);
  if (fetchBuffer(Buffer.PluginConfiguration, 0, size)) return root.context.readConfig(pointer(), resultLength());
  append("the host did not hand it over");
  return false;
}

function refuseRootId(): bool {
  blame(rootId());
  append("the module has no plugin with this root_id; it has: ");
  let at = registrations;
  while (at !== null) {
    append(at.rootId);
    at = at.next;
    if (at !== null) append(", ");
  }
  write(LogLevel.Error);
  return false;
}

export function tick(id: u32): void {
  refreshLogLevel();
  const root = findRoot(id);
  if (root !== null) root.context.onTick();
}

export function queueReady(id: u32, queue: u32): void {
  const root = findRoot(id);
  if (root !== null) root.context.onQueueReady(queue);
}

export function foreignFunction(id: u32, functionId: u32, size: u32): void {
  const root = findRoot(id);
  if (root !== null) root.context.onForeignFunction(functionId, size);
}

export function deleteContext(id: u32): void {
  const context = anyContext(id);
  if (context === null) return;
  context.onDelete();
  forget(id);
}
