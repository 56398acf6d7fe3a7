import { setTimeout as sleep } from "node:timers/promises";
import { type ControlPlaneOptions, startControlPlaneProcess } from "./control-plane-process.js";
import type { GuardedProcess } from "./guarded-process.js";

/** Keeps a control plane running: one that ends by itself is started again. */
export interface ControlPlaneSupervisor {
  /** Resolves when proxies may connect. */
  start(): Promise<void>;
  /** Ends it without warning and leaves it so, as a fault would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface SupervisorOptions extends ControlPlaneOptions {
  readonly onStarted: (pid: number) => Promise<void>;
  readonly onEnded: (message: string) => void;
  readonly onBack: () => void;
}

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 30_000;

export function superviseControlPlane(options: SupervisorOptions): ControlPlaneSupervisor {
  let wanted = false;
  let current: GuardedProcess | undefined;
  let starting: Promise<void> | undefined;

  const launch = async () => {
    const started = await startControlPlaneProcess(options);
    current = started;
    await options.onStarted(started.pid);
    void started.ended.then((how) => {
      if (wanted && current === started) void restart(how);
    });
  };
  const start = (): Promise<void> => {
    wanted = true;
    starting = launch();
    return starting;
  };
  const restart = async (how: string) => {
    options.onEnded(`ended (${how}); starting it again`);
    for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
      await sleep(delayMs, undefined, { ref: false });
      if (!wanted) return;
      try {
        await start();
        options.onBack();
        return;
      } catch (error) {
        options.onEnded(`${error instanceof Error ? error.message : error}; starting it again`);
      }
    }
  };
  return {
    start,
    async kill() {
      wanted = false;
      await current?.kill();
    },
    async stop() {
      wanted = false;
      // One that is being started would else be left.
      await starting?.catch(() => undefined);
      await current?.stop();
    },
  };
}
