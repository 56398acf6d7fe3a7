import { CounterFamily, callout, clock, GrpcCall, GrpcHandler, log, Status } from "@weft/sdk";
import { Config } from "../config";
import { Descriptor } from "../descriptor";
import { Circuit } from "./circuit";
import { encodeRequest } from "./rate-limit-request";
import { Code, decodeResponse, RateLimitResponse } from "./rate-limit-response";

/** Before the name of a callout. */
const CALLOUT = "callout:";
const MILLISECOND: u64 = 1_000_000;
const SERVICE = "envoy.service.ratelimit.v3.RateLimitService";
const METHOD = "ShouldRateLimit";
const GRPC_DEADLINE_EXCEEDED: u32 = 4;
const GRPC_UNAVAILABLE: u32 = 14;

const answers = new CounterFamily("weft_rate_limit_service_answers", ["code"]);
/** Each is a request that was decided on without the service. */
const failures = new CounterFamily("weft_rate_limit_service_failures", ["reason"]);

/** What becomes of a request that waits for the service: one of the two is called, unless the request is gone by then. */
export abstract class ServiceHandler {
  abstract onAnswer(answer: RateLimitResponse): void;

  /** There is no answer, and there will be none. */
  abstract onFailure(): void;
}

/** A rate limit service and its health, as one worker sees it. */
export class RateLimitService {
  private readonly circuit: Circuit;
  private readonly cluster: string;

  constructor(private readonly config: Config) {
    const global = config.global;
    const cluster = global.cluster;
    this.cluster = cluster.startsWith(CALLOUT) ? callout(cluster.substring(CALLOUT.length)) : cluster;
    this.circuit = new Circuit(global.failures, MILLISECOND * global.retryAfterMs);
  }

  /**
   * Asks about all descriptors of a request in one call, made for the stream that is at hand. False: it was not made,
   * the handler is never called, and something else must decide.
   */
  ask(descriptors: Descriptor[], handler: ServiceHandler): bool {
    const global = this.config.global;
    if (!this.circuit.allows(clock.monotonic)) {
      failures.with(["circuit_open"]).increment();
      return false;
    }
    const call = new GrpcCall(this.cluster, SERVICE, METHOD);
    call.timeoutMs = global.timeoutMs;
    const message = encodeRequest(global.domain, descriptors, this.config.limits, global.sendLimits);
    const status = call.send(message, new Call(this, handler));
    if (status == Status.Ok) return true;
    this.fail("not_sent", "Envoy does not make the call (status " + (<i32>status).toString() + ")");
    return false;
  }

  succeed(answer: RateLimitResponse): void {
    answers.with([answer.code == Code.OverLimit ? "over_limit" : "ok"]).increment();
    if (this.circuit.succeeded()) log.info("rate limit service " + this.config.global.cluster + " answers again");
  }

  fail(reason: string, message: string): void {
    failures.with([reason]).increment();
    if (!this.circuit.failed(clock.monotonic)) return;
    const global = this.config.global;
    log.warn(
      "rate limit service " +
        global.cluster +
        ": " +
        global.failures.toString() +
        " calls in a row without an answer, the last: " +
        reason +
        (message == "" ? "" : ": " + message) +
        "; asked again every " +
        global.retryAfterMs.toString() +
        " ms",
    );
  }
}

class Call extends GrpcHandler {
  private isAnswered: bool = false;

  constructor(
    private readonly service: RateLimitService,
    private readonly handler: ServiceHandler,
  ) {
    super();
  }

  onGrpcMessage(message: ArrayBuffer): void {
    this.isAnswered = true;
    const answer = decodeResponse(message);
    if (answer === null) {
      this.service.fail("bad_answer", "neither OK nor OVER_LIMIT");
      this.handler.onFailure();
    } else {
      this.service.succeed(answer);
      this.handler.onAnswer(answer);
    }
  }

  onGrpcClose(status: u32, message: string): void {
    if (this.isAnswered) return;
    this.service.fail(reasonOf(status), message);
    this.handler.onFailure();
  }
}

function reasonOf(status: u32): string {
  if (status == GRPC_DEADLINE_EXCEEDED) return "timeout";
  return status == GRPC_UNAVAILABLE ? "unavailable" : "error";
}
