import { ContextTable } from "./context-table";
import { AnyHttpContext, AnyRootContext, AnyStreamContext, Context } from "./contexts";
import { Buffer, bufferText } from "./host/buffer";
import { LogLevel, refreshLogLevel, writeLog } from "./host/log";
import { stringProperty } from "./host/property";
import { Registration, registrations } from "./register";

const MAX_CONFIGURATION_BYTES: u32 = 1048576;

/** A root of this VM: the author's context and how its streams are made. */
class Root extends Context {
  constructor(
    readonly context: AnyRootContext,
    readonly registration: Registration,
  ) {
    super();
  }
}

const roots = new ContextTable();
const streams = new ContextTable();

function rootId(): string {
  const id = stringProperty("plugin_root_id");
  return id === null ? "" : id;
}

/* A root id that is left out means the only plugin there is. */
function findRegistration(id: string): Registration | null {
  if (id == "" && registrations.length == 1) return registrations[0];
  for (let i = 0; i < registrations.length; i++) if (registrations[i].rootId == id) return registrations[i];
  return null;
}

export function createContext(id: u32, parent: u32): void {
  if (parent == 0) {
    const registration = findRegistration(rootId());
    if (registration === null) return;
    const context = registration.createRoot();
    context.id = id;
    roots.set(id, new Root(context, registration));
    return;
  }
  const root = changetype<Root | null>(roots.get(parent));
  if (root === null) return;
  const stream = root.registration.createStream(root.context);
  stream.id = id;
  streams.set(id, stream);
}

function refuse(name: string, reason: string): bool {
  writeLog(LogLevel.Error, 'plugin "' + name + '": ' + reason);
  return false;
}

export function configure(id: u32, size: u32): bool {
  refreshLogLevel();
  const root = changetype<Root | null>(roots.get(id));
  if (root === null) {
    const known: string[] = [];
    for (let i = 0; i < registrations.length; i++) known.push(registrations[i].rootId);
    return refuse(rootId(), "the module has no plugin with this root_id; it has: " + known.join(", "));
  }
  const name = root.registration.rootId;
  if (size > MAX_CONFIGURATION_BYTES) return refuse(name, "the configuration is larger than 1 MiB");
  const json = size == 0 ? "{}" : bufferText(Buffer.PluginConfiguration, 0, size);
  if (json === null) return refuse(name, "the host did not hand over the configuration");
  const error = root.context.readConfig(json);
  if (error !== null) return refuse(name, "configuration refused: " + error);
  return root.context.onConfigure();
}

export function tick(id: u32): void {
  refreshLogLevel();
  const root = changetype<Root | null>(roots.get(id));
  if (root !== null) root.context.onTick();
}

/** The HTTP stream with this id; null for one whose root was refused. */
export function httpContext(id: u32): AnyHttpContext | null {
  return changetype<AnyHttpContext | null>(streams.get(id));
}

export function streamContext(id: u32): AnyStreamContext | null {
  return changetype<AnyStreamContext | null>(streams.get(id));
}

export function anyContext(id: u32): Context | null {
  const stream = streams.get(id);
  if (stream !== null) return stream;
  const root = changetype<Root | null>(roots.get(id));
  return root === null ? null : root.context;
}

export function deleteContext(id: u32): void {
  const context = anyContext(id);
  if (context === null) return;
  context.onDelete();
  streams.delete(id);
  roots.delete(id);
}
