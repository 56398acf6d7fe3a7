import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "@weft/control-plane/identity/atomic-file";
import { pause } from "@weft/control-plane/identity/pause";
import { buildBootstrap } from "@weft/control-plane/injection/bootstrap";
import { STANDALONE_FILES } from "@weft/control-plane/injection/identity-files";
import { buildIdentitySecrets } from "@weft/control-plane/injection/identity-secrets";
import { ADMIN_PORT } from "@weft/control-plane/injection/ports";
import type { Workload } from "@weft/control-plane/model/workload";
import { enrolledSource, readEnrolment } from "./enrolled-identity.js";
import { adminStatus, type EnvoyProcess, LOG_FILE, startEnvoy } from "./envoy-process.js";
import { certificateState, folderSource, loadOrCreateKey, waitForCertificate } from "./identity-folder.js";
import { boundLog, lastLines } from "./log-file.js";
import type { Logger } from "./logger.js";
import { checkPorts } from "./ports.js";
import { type CertificateSource, keepRenewed } from "./renewal.js";
import { cleanUpStale, removeRunRecord } from "./run-record.js";
import { SidecarError } from "./sidecar-error.js";

export interface SidecarOptions {
  /** Everything of the sidecar is below it; made when missing. */
  readonly workloadDir: string;
  readonly namespace: string;
  /** Of the workload. */
  readonly name: string;
  /** IP address of the workload; Envoy listens on it. */
  readonly address: string;
  /**
   * `redirect`: the rules of `weft intercept` are in force here. They take what the sidecar's user sends to the
   * workload's own address for a call of the app's, so its admin API is at 127.0.0.1. Default `none`.
   */
  readonly interception?: Workload["interception"];
  readonly serviceAccount: string;
  /** Of the workload, for plugins; they stay as they are until the sidecar is started anew. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly xdsAddress: { readonly host: string; readonly port: number };
  readonly envoyPath: string;
  readonly funcEPath: string;
  readonly trustDomain: string;
  /** SPIFFE id that the control plane's certificate must have. */
  readonly controlPlaneId: string;
  /** How long `stop` lets requests in flight end. Default 500. */
  readonly drainMs?: number;
  /** Of Envoy. Default `warning`. */
  readonly logLevel?: string;
  readonly logger: Logger;
  /** Gives up the start, and ends the sidecar without draining. */
  readonly signal?: AbortSignal;
}

/** A sidecar that runs. */
export interface Sidecar {
  /** Processes of it now: a guard, func-e, Envoy. They change when Envoy has to be restarted. */
  readonly pids: readonly number[];
  /** `host:port` of Envoy's admin API. */
  readonly adminAddress: string;
  /** True once Envoy is live, with what the control plane sent; false when the sidecar was stopped before. */
  readonly ready: Promise<boolean>;
  /** Drains, ends Envoy, and resolves when no process is left. Can be called again. */
  stop(): Promise<void>;
}

const DEFAULT_DRAIN_MS = 500;
const MIN_BACK_OFF_MS = 200;
const MAX_BACK_OFF_MS = 10_000;
/** A run of at least this length was a good one: the next restart is quick again. */
const GOOD_RUN_MS = 60_000;
const LOG_LINES = 10;
const READY_POLL_MS = 100;
const LOG_CHECK_MS = 10_000;

/**
 * Runs one workload's Envoy: gets an identity into the folder, writes the bootstrap, starts Envoy through func-e, and
 * keeps it running with a valid certificate until it is stopped. Resolves when Envoy's admin API answers.
 * Throws a SidecarError.
 */
export async function runSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { namespace, name, address, logger } = options;
  const who = `${namespace}/${name}`;
  const stopped = new AbortController();
  const signal = options.signal === undefined ? stopped.signal : AbortSignal.any([options.signal, stopped.signal]);
  try {
    await mkdir(options.workloadDir, { recursive: true });
    const settled = { ...options, workloadDir: await realpath(options.workloadDir) };
    await takeOver(settled, who);
    const identity = await prepareIdentity(settled, signal);
    await writeConfiguration(settled);
    await checkPorts(address, adminAddressOf(settled), who);
    const envoy = await startEnvoy(envoyOptions(settled), signal);
    return supervise(settled, { envoy, identity, stopped, signal });
  } catch (error) {
    if (signal.aborted) throw new SidecarError("aborted", `${who}: the start was given up`, { cause: error });
    if (error instanceof SidecarError) throw error;
    const lines = await lastLines(join(options.workloadDir, LOG_FILE), LOG_LINES);
    logger.error(`${who}: Envoy did not start:\n${lines.join("\n")}`);
    throw new SidecarError("start", `${who}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** Ends what an earlier run left. */
async function takeOver({ workloadDir, logger }: SidecarOptions, who: string): Promise<void> {
  const { killed, runningUnder } = await cleanUpStale(workloadDir);
  if (runningUnder !== undefined)
    throw new SidecarError(
      "already-running",
      `${who}: process ${runningUnder} runs this sidecar already, in ${workloadDir}`,
    );
  if (killed.length === 0) return;
  const list = killed.map(({ pid, name }) => `${name} (${pid})`).join(", ");
  logger.warn(`${who}: ended what an earlier run left: ${list}`);
}

async function prepareIdentity(options: SidecarOptions, signal: AbortSignal): Promise<Identity> {
  const { workloadDir } = options;
  const keyPem = await loadOrCreateKey(workloadDir);
  const state = await certificateState(options, keyPem);
  const enrolment = await readEnrolment(workloadDir);
  if (enrolment !== undefined) {
    if (!state.ok)
      throw new SidecarError("identity", `${state.message}; enrol the workload again: weft identity issue`);
    return { keyPem, source: enrolledSource(workloadDir, enrolment, keyPem) };
  }
  const source = folderSource(workloadDir, keyPem);
  // With a certificate at hand the sidecar starts at once; the renewal asks when it is due.
  if (!state.ok) await source.request();
  await waitForCertificate(options, keyPem, signal);
  return { keyPem, source };
}

async function writeConfiguration(options: SidecarOptions): Promise<void> {
  const { workloadDir } = options;
  for (const { name, content } of buildIdentitySecrets(STANDALONE_FILES))
    await writeAtomic(join(workloadDir, name), `${JSON.stringify(content, undefined, 2)}\n`);
  const bootstrap = buildBootstrap({ ...options, adminAddress: adminAddressOf(options), files: STANDALONE_FILES });
  await writeAtomic(join(workloadDir, "bootstrap.json"), `${JSON.stringify(bootstrap, undefined, 2)}\n`);
  await rm(join(workloadDir, LOG_FILE), { force: true });
}

function adminAddressOf({ interception, address }: SidecarOptions): string {
  return interception === "redirect" ? "127.0.0.1" : address;
}

function envoyOptions(options: SidecarOptions) {
  const { workloadDir, funcEPath, envoyPath, logLevel = "warning" } = options;
  return { workloadDir, address: adminAddressOf(options), funcEPath, envoyPath, logLevel };
}

interface Identity {
  readonly keyPem: string;
  readonly source: CertificateSource;
}

interface Started {
  readonly envoy: EnvoyProcess;
  readonly identity: Identity;
  readonly stopped: AbortController;
  /** Aborted when the caller gives up, too. */
  readonly signal: AbortSignal;
}

function supervise(options: SidecarOptions, { envoy, identity, stopped, signal }: Started): Sidecar {
  const { workloadDir, logger } = options;
  const adminAddress = adminAddressOf(options);
  const who = `${options.namespace}/${options.name}`;
  let current: EnvoyProcess | undefined = envoy;
  let drainMs = 0;

  const keepRunning = async (): Promise<void> => {
    let backOffMs = MIN_BACK_OFF_MS;
    while (!signal.aborted) {
      const startedAt = Date.now();
      if (current !== undefined) {
        const code = await Promise.race([current.exited, aborted(signal)]);
        if (code === undefined) break;
        current = undefined;
        if (Date.now() - startedAt >= GOOD_RUN_MS) backOffMs = MIN_BACK_OFF_MS;
        const lines = await lastLines(join(workloadDir, LOG_FILE), LOG_LINES);
        logger.error(
          `${who}: Envoy ended with code ${code}; it is started again in ${backOffMs} ms. Its last lines:\n${lines.join("\n")}`,
        );
      }
      await pause(backOffMs, signal);
      backOffMs = Math.min(backOffMs * 2, MAX_BACK_OFF_MS);
      if (signal.aborted) break;
      try {
        current = await startEnvoy(envoyOptions(options), signal);
        logger.info(`${who}: Envoy runs again`);
      } catch (error) {
        if (!signal.aborted) logger.error(`${who}: ${String(error)}; tried again in ${backOffMs} ms`);
      }
    }
    await current?.stop(drainMs);
    current = undefined;
    await removeRunRecord(workloadDir);
  };

  const keepLogBounded = async (): Promise<void> => {
    while (!signal.aborted) {
      await boundLog(join(workloadDir, LOG_FILE)).catch((error: unknown) => logger.warn(`${who}: ${String(error)}`));
      await pause(LOG_CHECK_MS, signal);
    }
  };

  const waitUntilReady = async (): Promise<boolean> => {
    while (!signal.aborted) {
      if ((await adminStatus(adminAddress)) === 200) return true;
      await pause(READY_POLL_MS, signal);
    }
    return false;
  };

  const running = Promise.all([keepRunning(), keepRenewed(options, { ...identity, signal }), keepLogBounded()]);
  // Who calls stop gets a failure from it; nobody else waits for it.
  running.catch(() => {});
  return {
    get pids() {
      return current?.pids ?? [];
    },
    adminAddress: `${adminAddress}:${ADMIN_PORT}`,
    ready: waitUntilReady(),
    stop: async () => {
      drainMs = options.drainMs ?? DEFAULT_DRAIN_MS;
      stopped.abort();
      await running;
    },
  };
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
