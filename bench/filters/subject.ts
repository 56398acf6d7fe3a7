import type { RunningEnvoy } from "../../test/envoy-static.js";
import type { Module } from "./module.js";

/** The name of the listener that the load goes to. */
export const LISTENER = "bench";

/** One configuration of Envoy whose cost is measured. */
export interface Subject {
  name: string;
  /** What it is, in a few words. */
  what: string;
  /** Whose cost is subtracted from this one's. Absent: it is a base itself. */
  base?: string;
  /** How many filters share the rest. */
  filters: number;
  module?: Module;
  /** The bootstrap's static_resources, with a listener called LISTENER. */
  resources: object;
  /** What every request has. */
  headers: Readonly<Record<string, string>>;
  /** Throws unless the filters did their work. */
  check: (envoy: RunningEnvoy) => Promise<void>;
}
