import type { PluginEventRecorder } from "./event-recorder.js";
import type { IdentityControl, IdentityControlOptions } from "./identity-control.js";
import type { ReviewPlugin } from "./injection/review-object.js";
import type { Diagnostic } from "./model/diagnostic.js";
import type { VirtualService } from "./model/virtual-service.js";
import type { ApplyEvent, Source } from "./source/source.js";
import type { StoredStatus } from "./status/document.js";
import type { StatusWriter } from "./status/writer.js";

/**
 * What a mesh in a folder and a mesh in a cluster do each in their own way. `main.ts` takes one and does not ask which it
 * is; `platform-folder.ts` and `platform-kubernetes.ts` make them.
 */
export interface Platform {
  /** The objects of the mesh, as they come and go. */
  readonly source: Source;
  /** What is said of the mesh, and remembered of it across restarts. */
  readonly status: StatusStore;
  /** Whose turn it is to write statuses, to sign and to move rollouts on. */
  readonly leadership: Leadership;
  /** Whether it is for the control plane to find out that a workload is ready to be called: nobody else says so. */
  readonly awaitsListeners: boolean;
  /** Tells the statuses of plugins as they come to be, whoever writes them. Returns what ends it. */
  followPlugins(listener: (status: StoredStatus) => void): () => void;
  /** Name of this replica among those of the mesh; undefined: there is one control plane only. */
  readonly replica: string | undefined;
  /** How long a control plane that ends takes to give its proxies to others; 0 where there are none. */
  readonly handOverMs: number;
  /** Certificates: whose they are, where the authority keeps its keys, and how workloads enrol. */
  createIdentity(options: PlatformIdentityOptions): Promise<IdentityControl>;
  /** Answers what the API server asks of pods and objects, where there is one. Resolves when it may ask. */
  serveWebhooks?(reviewPlugin: ReviewPlugin): Promise<{ close(): Promise<void> }>;
  close(): Promise<void>;
}

/** What the identities of a platform are made with, beyond what it knows itself. */
export type PlatformIdentityOptions = Omit<IdentityControlOptions, "config">;

/** Where statuses go and come from. */
export interface StatusStore {
  /** What was written before this start, by this control plane or another one. */
  readonly statuses: readonly StoredStatus[];
  /** VirtualServices whose references held last. */
  readonly virtualServices: readonly VirtualService[];
  readonly writer: StatusWriter;
  readonly events: PluginEventRecorder;
  /** Keeps what a restart while something is broken must not take away. */
  keepInForce(inForce: InForce): Promise<void>;
}

/** What is in force, with what its author may have broken since. */
export interface InForce {
  /** By kind, namespace and name. */
  readonly objects: ReadonlyMap<string, ApplyEvent>;
  /** Those whose references hold; the object may be a later one whose references do not. */
  readonly virtualServices: ReadonlyMap<string, VirtualService>;
  /** All that is wrong. An error about an object in `objects` says that an earlier reading of it is in force. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Of several control planes one leads: the others serve proxies, and leave to it what only one may do. */
export interface Leadership {
  readonly isLeading: boolean;
  /** The listener is told when that has changed. Returns what ends it. */
  subscribe(listener: (isLeading: boolean) => void): () => void;
  /** Leads no more, and never again, so that another one can at once. */
  resign(): Promise<void>;
}

/** Where there is one control plane only. */
export const ALONE: Leadership = { isLeading: true, subscribe: () => () => {}, resign: async () => {} };
