import { type LogEntry, type PreflightResult, type PreflightStage, preflight } from "@weft/sdk/host";
import type { ServedPlugin } from "../model/module-state.js";
import type { ModuleProblem } from "./module-problem.js";

/** What a trial says of a plugin. */
export interface Trial {
  /** Absent: it may be served. */
  readonly problem?: ModuleProblem;
  /** Why nothing can be said of it. */
  readonly unproven?: string;
}

/** Bounds of one trial. */
export interface TrialLimits {
  /** Of all together. */
  readonly timeMs: number;
  /** Of one call into the module. */
  readonly callMs: number;
}

/** The second trial has much more time: the machine may have been busy. What takes longer then is not served. */
export const TRIAL_LIMITS: readonly [TrialLimits, TrialLimits] = [
  { timeMs: 10_000, callMs: 2_000 },
  { timeMs: 60_000, callMs: 10_000 },
];

const MAX_MESSAGE = 1_500;
const MAX_LOGGED = 10;

const REASONS: Readonly<Record<Exclude<PreflightStage, "unknown" | "time" | "host">, string>> = {
  module: "InvalidModule",
  initialize: "InitializeFailed",
  start: "StartFailed",
  configure: "ConfigureFailed",
  stream: "StreamFailed",
};

/**
 * Runs a plugin in our own host, in a thread with limits of time and memory: as far as a few requests. `attempt` counts
 * from zero.
 */
export async function tryInHost(
  key: string,
  served: ServedPlugin,
  attempt: number,
  limits: readonly [TrialLimits, TrialLimits] = TRIAL_LIMITS,
): Promise<Trial> {
  const { wasm = new Uint8Array(), config, rootId, vmId, env, capabilities, memoryBytes } = served;
  const [first, last] = limits;
  const bounds = attempt === 0 ? first : last;
  const result = await preflight({
    wasm,
    config,
    name: key,
    rootId,
    vmId,
    env,
    capabilities,
    // The size was looked at before the memory maximum was written.
    limits: { ...bounds, memoryBytes, moduleBytes: wasm.length },
  });
  return result.ok ? {} : judge(result, attempt, last);
}

function judge(
  { stage, message, logs }: Extract<PreflightResult, { ok: false }>,
  attempt: number,
  last: TrialLimits,
): Trial {
  const said = withLogs(message, logs);
  switch (stage) {
    case "unknown":
      return {
        unproven: `the pre-flight cannot run the module: Node's engine is older than Envoy's (${message.slice(0, 300)})`,
      };
    case "time":
    case "host": {
      const reason = stage === "time" ? "PreflightTimeout" : "PreflightBroke";
      if (attempt > 0) return { problem: { reason, message: `${said}; twice, so it is not tried again` } };
      return {
        problem: { reason, message: `${said}; it is tried once more, for at most ${last.timeMs} ms`, transient: true },
      };
    }
    default:
      return { problem: { reason: REASONS[stage], message: said } };
  }
}

/** What went wrong, and what the plugin logged that the message does not have yet: the last is nearest to the fault. */
function withLogs(message: string, logs: readonly LogEntry[]): string {
  // Frames of the VM are in nobody's source.
  const text = message
    .split("\n")
    .filter((line) => !/backtrace:$|^\s*\d+:\s+0x/.test(line))
    .join("; ");
  // Every thread of the host says the same.
  const lines = [
    ...new Set(logs.filter(({ level }) => level !== "trace" && level !== "debug").map((log) => log.message)),
  ];
  const logged = lines.filter((line) => !text.includes(line)).slice(-MAX_LOGGED);
  const all = logged.length === 0 ? text : `${text}; the plugin logged: ${logged.join("; ")}`;
  return all.slice(0, MAX_MESSAGE);
}
