import { cpus, loadavg, release, totalmem } from "node:os";

/** On what was measured, and how busy it was when the measurement began. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
  /** Processes that want to run, mean of the last minute. */
  load: number;
}

export function machine(): Machine {
  const list = cpus();
  return {
    cpu: list[0]?.model.trim() ?? "unknown",
    cores: list.length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  };
}

/* From here on somebody else is at work, too. */
const BUSY = 0.7;

export function describeMachine({ cpu, cores, memoryBytes, kernel, node, load }: Machine): string {
  const memory = (memoryBytes / 1e9).toFixed(0);
  const warning = load > BUSY ? " (busy: what costs time is not to be trusted)" : "";
  return `${cores} × ${cpu}, ${memory} GB, Linux ${kernel}, Node ${node}; load at the start ${load.toFixed(2)}${warning}`;
}
