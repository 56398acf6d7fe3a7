import { AnyHttpContext, AnyRootContext, AnyStreamContext, Context } from "./contexts";
import { IdTable } from "./id-table";
import { Registration } from "./register";

/** A root of this VM: the author's context and how its streams are made. */
export class Root extends Context {
  constructor(
    readonly context: AnyRootContext,
    readonly registration: Registration,
  ) {
    super();
  }
}

const roots = new IdTable();
const streams = new IdTable();

export function addRoot(id: u32, root: Root): void {
  root.context.id = id;
  roots.set(id, root);
}

export function addStream(id: u32, stream: Context): void {
  streams.set(id, stream);
}

export function findRoot(id: u32): Root | null {
  return changetype<Root | null>(roots.get(id));
}

/** The HTTP stream with this id; null for one whose root was refused. */
export function httpContext(id: u32): AnyHttpContext | null {
  return changetype<AnyHttpContext | null>(streams.get(id));
}

export function streamContext(id: u32): AnyStreamContext | null {
  return changetype<AnyStreamContext | null>(streams.get(id));
}

export function anyContext(id: u32): Context | null {
  const stream = changetype<Context | null>(streams.get(id));
  if (stream !== null) return stream;
  const root = findRoot(id);
  return root === null ? null : root.context;
}

export function forget(id: u32): void {
  streams.delete(id);
  roots.delete(id);
}
