import type { Service } from "./service.js";

/** A ServiceEntry: one service for each of its hosts. */
export interface ServiceEntry {
  readonly namespace: string;
  readonly name: string;
  /** In the order of the hosts. */
  readonly services: readonly Service[];
}
