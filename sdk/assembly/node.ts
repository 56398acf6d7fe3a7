import { properties } from "./properties";

/** A workload and its namespace. */
export class Workload {
  constructor(
    /** Without its namespace. */
    readonly name: string,
    /** Where it is. */
    readonly namespace: string,
  ) {}

  /** From a node id, `sidecar~<ip>~<name>.<namespace>~<domain>`; null where it is none. */
  static ofNode(id: string): Workload | null {
    const parts = id.split("~");
    if (parts.length != 4) return null;
    const dot = parts[2].lastIndexOf(".");
    if (dot < 1 || dot == parts[2].length - 1) return null;
    return new Workload(parts[2].substring(0, dot), parts[2].substring(dot + 1));
  }
}

/**
 * The proxy that the plugin runs in, as its bootstrap says. It does not change, so read it in `onConfigure` and keep
 * what you need.
 */
@unmanaged
export class Node {
  /** Null where the proxy has none, or its id is not a sidecar's. */
  get workload(): Workload | null {
    const id = properties.string("xds.node.id");
    return id === null ? null : Workload.ofNode(id);
  }

  /** A label of the workload: the node's metadata `LABELS`. Null: there is none of this name. */
  label(name: string): string | null {
    return properties.string(properties.path(["xds", "node", "metadata", "LABELS", name]));
  }
}

/* It has no state. */
export const node = changetype<Node>(0);
