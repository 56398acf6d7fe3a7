import { type RunningEnvoy, startEnvoy } from "../../test/envoy-static.js";
import { cpuNanoseconds, residentBytes } from "../measure/process.js";
import { rotated } from "../measure/statistics.js";
import { runWrk } from "../measure/wrk.js";
import { LISTENER, type Subject } from "./subject.js";

/** What one subject cost in one round. */
export interface Sample {
  /** CPU time of Envoy, in the second that cost least: what disturbs a measurement only adds to it. */
  microsecondsPerRequest: number;
  residentBytes: number;
  requests: number;
}

export interface RoundOptions {
  wrk: string;
  /** How many slices of one second each subject gets. */
  seconds: number;
  /** Where in the list the round begins. */
  round: number;
  signal: AbortSignal;
}

const CONNECTIONS = 8;
const SLICE_SECONDS = 1;

interface Running {
  subject: Subject;
  envoy: RunningEnvoy;
  /** For each second of load. */
  microseconds: number[];
  requests: number;
}

/**
 * Starts an Envoy for every subject, checks that each does its work, and loads one at a time, a second each in turn, so
 * that what else happens on the machine meets all alike. New processes in every round: where code and memory come to
 * lie is chance, and has an effect.
 */
export async function measureRound(
  subjects: readonly Subject[],
  options: RoundOptions,
): Promise<ReadonlyMap<string, Sample>> {
  const { wrk, seconds, round, signal } = options;
  const running: Running[] = [];
  try {
    for (const subject of subjects) {
      signal.throwIfAborted();
      running.push({ subject, envoy: await start(subject), microseconds: [], requests: 0 });
    }
    // The first slice warms up.
    for (let slice = 0; slice <= seconds; slice++) {
      for (const one of rotated(running, round + slice)) {
        signal.throwIfAborted();
        const { nanoseconds, requests } = await load(one, wrk, signal);
        if (slice === 0) continue;
        one.microseconds.push(nanoseconds / 1000 / requests);
        one.requests += requests;
      }
    }
    const samples = new Map<string, Sample>();
    for (const { subject, envoy, microseconds, requests } of running) {
      const microsecondsPerRequest = Math.min(...microseconds);
      samples.set(subject.name, { microsecondsPerRequest, residentBytes: await residentBytes(envoy.pid), requests });
    }
    return samples;
  } finally {
    await Promise.all(running.map(({ envoy }) => envoy.stop()));
  }
}

/** What is to be measured does not start, or does not do what it is measured for. */
export class NotWorkingError extends Error {
  readonly code = "NOT_WORKING";

  constructor(name: string, cause: unknown) {
    super(`${name} does not do its work: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

async function start({ name, resources, check }: Subject): Promise<RunningEnvoy> {
  let envoy: RunningEnvoy | undefined;
  try {
    envoy = await startEnvoy({ resources });
    await check(envoy);
    return envoy;
  } catch (error) {
    await envoy?.stop();
    throw new NotWorkingError(name, error);
  }
}

async function load(
  { subject, envoy }: Running,
  wrk: string,
  signal: AbortSignal,
): Promise<{ nanoseconds: number; requests: number }> {
  const port = envoy.ports.get(LISTENER) ?? 0;
  const before = await cpuNanoseconds(envoy.pid);
  const { requests, refused } = await runWrk(wrk, {
    port,
    seconds: SLICE_SECONDS,
    connections: CONNECTIONS,
    headers: subject.headers,
    signal,
  });
  const nanoseconds = (await cpuNanoseconds(envoy.pid)) - before;
  if (refused > 0) throw new Error(`${subject.name}: ${refused} of ${requests} answers were errors`);
  if (requests === 0) throw new Error(`${subject.name}: no request was answered in ${SLICE_SECONDS} s`);
  return { nanoseconds, requests };
}
