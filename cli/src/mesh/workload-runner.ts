import { workloadFolder } from "@weft/control-plane/identity/workload-folder";
import type { Workload } from "@weft/control-plane/model/workload";
import { runSidecar, type Sidecar, type SidecarOptions } from "../sidecar/run-sidecar.js";
import { startApp } from "./app-process.js";
import { requirePort } from "./free-port.js";
import type { GuardedProcess } from "./guarded-process.js";

/** Runs what each workload needs on this machine: its sidecar, and its app where it names a command. */
export interface WorkloadRunner {
  readonly workloads: readonly Workload[];
  find(key: string): Workload | undefined;
  /** Starts what is new and starts anew what has to be; what only labels or weights changed of goes on. */
  apply(key: string, workload: Workload): Promise<void>;
  /** Ends what runs of a workload when no caller can come any more. It goes on when it is applied again before. */
  remove(key: string): Promise<void>;
  /** Ends all at once. */
  stop(): Promise<void>;
}

export interface WorkloadRunnerOptions
  extends Pick<SidecarOptions, "xdsAddress" | "envoyPath" | "funcEPath" | "trustDomain" | "controlPlaneId"> {
  readonly folder: string;
  readonly workloadsDir: string;
  readonly appLogDir: string;
  readonly onAppStarted: (pid: number) => Promise<void>;
  /** Resolves when no caller of a workload that is gone can come any more, or when that is not waited for. */
  readonly departed: (key: string, signal: AbortSignal) => Promise<void>;
  readonly problem: (subject: string, message: string) => void;
}

interface Running {
  readonly workload: Workload;
  readonly sidecar: Promise<Sidecar | undefined>;
  readonly cancel: AbortController;
  readonly app: Promise<GuardedProcess | undefined>;
}

export function createWorkloadRunner(options: WorkloadRunnerOptions): WorkloadRunner {
  const { problem } = options;
  const running = new Map<string, Running>();
  let isStopped = false;
  /** By workload, what was asked for last and is not done; and what gives up waiting for callers. */
  const tasks = new Map<string, Promise<void>>();
  const departures = new Map<string, AbortController>();

  /** What one workload cannot do is told, and takes nothing from the others. */
  const told = async <T>(subject: string, work: Promise<T>, quiet?: AbortSignal): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (!quiet?.aborted) problem(subject, error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };

  const startSidecar = (key: string, workload: Workload, signal: AbortSignal) =>
    runSidecar({
      ...options,
      workloadDir: workloadFolder(options.workloadsDir, workload),
      namespace: workload.namespace,
      name: workload.name,
      address: workload.address,
      serviceAccount: workload.serviceAccount,
      labels: workload.labels,
      signal,
      logger: {
        info: () => {},
        warn: (message) => problem(`sidecar ${key}`, message),
        error: (message) => problem(`sidecar ${key}`, message),
      },
    });

  const runApp = async (key: string, workload: Workload, command: string) => {
    for (const [name, port] of Object.entries(workload.ports))
      await requirePort("127.0.0.1", port, `the app of WorkloadEntry ${key} (port ${name})`);
    const app = await startApp(workload, command, {
      folder: options.folder,
      logDir: options.appLogDir,
      onExit: (how) => {
        if (running.get(key)?.workload === workload) problem(`app ${key}`, `${command}: ended (${how})`);
      },
    });
    await options.onAppStarted(app.pid);
    return app;
  };

  const start = (key: string, workload: Workload) => {
    if (!workload.address.startsWith("127.")) {
      // Its admin API and its identity would be open to the network.
      problem(
        `sidecar ${key}`,
        `${workload.address} is not a loopback address; without interception use one such as 127.0.1.9`,
      );
      return;
    }
    const cancel = new AbortController();
    const { signal } = cancel;
    running.set(key, {
      workload,
      cancel,
      sidecar: workload.hasSidecar
        ? told(`sidecar ${key}`, startSidecar(key, workload, signal), signal)
        : Promise.resolve(undefined),
      app:
        workload.run === undefined
          ? Promise.resolve(undefined)
          : told(`app ${key}`, runApp(key, workload, workload.run)),
    });
  };

  /** Does one thing of a workload after the other; those of others are not waited for. */
  const queue = (key: string, work: () => Promise<void>): Promise<void> => {
    const task = (tasks.get(key) ?? Promise.resolve()).then(work).finally(() => {
      if (tasks.get(key) === task) tasks.delete(key);
    });
    tasks.set(key, task);
    return task;
  };

  const end = async (key: string) => {
    const current = running.get(key);
    if (current === undefined) return;
    running.delete(key);
    // A sidecar that runs lets requests end, which only the app can answer; one that still starts is given up.
    const sidecar = await Promise.race([current.sidecar, undefined]);
    await told(`sidecar ${key}`, sidecar?.stop() ?? Promise.resolve());
    current.cancel.abort();
    const [late, app] = await Promise.all([current.sidecar, current.app]);
    await told(`sidecar ${key}`, late?.stop() ?? Promise.resolve());
    await told(`app ${key}`, app?.stop() ?? Promise.resolve());
  };

  return {
    get workloads() {
      return [...running.values()].map(({ workload }) => workload);
    },
    find: (key) => running.get(key)?.workload,
    apply(key, workload) {
      departures.get(key)?.abort();
      return queue(key, async () => {
        const current = running.get(key);
        if (current !== undefined && !needsRestart(current.workload, workload)) {
          running.set(key, { ...current, workload });
          return;
        }
        await end(key);
        if (!isStopped) start(key, workload);
      });
    },
    remove(key) {
      const departure = new AbortController();
      departures.set(key, departure);
      return queue(key, async () => {
        await options.departed(key, departure.signal);
        if (departures.get(key) === departure) departures.delete(key);
        if (!departure.signal.aborted) await end(key);
      });
    },
    async stop() {
      isStopped = true;
      for (const departure of departures.values()) departure.abort();
      await Promise.all(tasks.values());
      await Promise.all([...running.keys()].map(end));
    },
  };
}

/** Labels and weights are the control plane's matter; these are the processes'. */
function needsRestart(a: Workload, b: Workload): boolean {
  return (
    a.address !== b.address ||
    a.serviceAccount !== b.serviceAccount ||
    a.hasSidecar !== b.hasSidecar ||
    a.run !== b.run ||
    JSON.stringify(a.ports) !== JSON.stringify(b.ports)
  );
}
