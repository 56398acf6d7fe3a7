import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** What a standalone mesh keeps beside its YAML, in `<folder>/.weft`. */
export interface StateFolder {
  readonly root: string;
  readonly authority: string;
  readonly workloads: string;
  readonly registry: string;
  readonly status: string;
  readonly cache: string;
  readonly apps: string;
  readonly runRecord: string;
  /** What happened to plugins. */
  readonly events: string;
  /** What the control plane has in force. */
  readonly inForce: string;
  /** Elsewhere, because the path of a socket must be short. */
  readonly adminSocket: string;
}

export function stateFolder(folder: string): StateFolder {
  const root = join(folder, ".weft");
  const id = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  const runtime = process.env.XDG_RUNTIME_DIR ?? join(tmpdir(), `weft-${userInfo().uid}`);
  return {
    root,
    authority: join(root, "authority"),
    workloads: join(root, "workloads"),
    registry: join(root, "registry"),
    status: join(root, "status"),
    cache: join(root, "cache"),
    apps: join(root, "apps"),
    runRecord: join(root, "run.json"),
    events: join(root, "events.json"),
    inForce: join(root, "in-force.json"),
    adminSocket: join(runtime, `weft-${id}`, "control-plane.sock"),
  };
}
