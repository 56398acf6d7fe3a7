/*
 * Envoy's own rate limit service (github.com/envoyproxy/ratelimit) for a test: on loopback, its limits in a temporary
 * folder, its counts in a Redis.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { LOOPBACK, startProgram } from "./process.js";
import { type RunningRedis, redisMissing } from "./redis.js";

/** `undefined` where the service can be run here, else why not: the reason of tests that are skipped. */
export function rateLimitServiceMissing(): string | undefined {
  if (process.env.WEFT_RATE_LIMIT_SERVICE === undefined)
    return "no rate limit service: `npm test` builds one, or name one in WEFT_RATE_LIMIT_SERVICE";
  return redisMissing();
}

export interface RateLimit {
  readonly unit: "second" | "minute" | "hour" | "day" | "week" | "month" | "year";
  readonly requestsPerUnit: number;
}

/** A rule: its limit holds for each value, where it names none; nested rules are about the next entries. */
export interface RateLimitRule {
  readonly key: string;
  readonly value?: string;
  readonly limit?: RateLimit;
  readonly descriptors?: readonly RateLimitRule[];
}

export interface RateLimitServiceOptions {
  readonly redis: Pick<RunningRedis, "port">;
  readonly domain: string;
  readonly rules: readonly RateLimitRule[];
  /** Default a free one; name that of a service that has stopped, to start it again. */
  readonly port?: number;
  /** Whether answers carry `response_headers_to_add`. Default false. */
  readonly responseHeaders?: boolean;
}

export interface RunningRateLimitService {
  /** Of gRPC. */
  readonly port: number;
  readonly pid: number;
  /** What it has printed so far. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts the service and waits until it takes gRPC connections. Rejects, with its output, where it does not start. */
export async function startRateLimitService(options: RateLimitServiceOptions): Promise<RunningRateLimitService> {
  const command = process.env.WEFT_RATE_LIMIT_SERVICE;
  if (command === undefined) throw new Error(rateLimitServiceMissing());
  const { program, value: port } = await startProgram(3, async ([http = 0, debug = 0, free = 0], dir) => {
    const grpc = options.port ?? free;
    await mkdir(join(dir, "limits"));
    const limits = { domain: options.domain, descriptors: options.rules.map(ruleOf) };
    await writeFile(join(dir, "limits", "limits.yaml"), JSON.stringify(limits));
    const env = {
      HOST: LOOPBACK,
      PORT: String(http),
      GRPC_HOST: LOOPBACK,
      GRPC_PORT: String(grpc),
      DEBUG_HOST: LOOPBACK,
      DEBUG_PORT: String(debug),
      RUNTIME_ROOT: dir,
      RUNTIME_SUBDIRECTORY: "",
      RUNTIME_APPDIRECTORY: "limits",
      RUNTIME_WATCH_ROOT: "false",
      REDIS_SOCKET_TYPE: "tcp",
      REDIS_URL: `${LOOPBACK}:${options.redis.port}`,
      USE_STATSD: "false",
      DISABLE_STATS: "true",
      LIMIT_RESPONSE_HEADERS_ENABLED: String(options.responseHeaders ?? false),
    };
    const ready = async (): Promise<boolean> =>
      (await fetch(`http://${LOOPBACK}:${http}/healthcheck`)).ok && (await takesConnections(grpc));
    return { launch: { command, args: [], env, ready }, value: grpc };
  });
  return { port, pid: program.pid, log: program.log, stop: program.stop };
}

function ruleOf({ key, value, limit, descriptors }: RateLimitRule): object {
  return {
    key,
    ...(value === undefined ? {} : { value }),
    ...(limit === undefined ? {} : { rate_limit: { unit: limit.unit, requests_per_unit: limit.requestsPerUnit } }),
    ...(descriptors === undefined ? {} : { descriptors: descriptors.map(ruleOf) }),
  };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
