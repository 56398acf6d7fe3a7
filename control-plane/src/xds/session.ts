import type { ProxyClient } from "../model/proxy.js";
import {
  type ChangedNames,
  RESOURCE_TYPES,
  type ResourceType,
  type ResourceView,
  resourceTypeOf,
} from "../model/resource.js";
import type { Effect, StreamOptions } from "./delta-stream.js";
import { createProtocol, type Protocol } from "./protocol.js";
import type { ProviderConnection, ProxySync, ResourceProvider, TypeSync, XdsLogger, XdsObserver } from "./provider.js";
import { type TypeState, UNCLEAR } from "./subscription.js";
import { afterEffect, afterStep, type TypeTimes } from "./type-times.js";

/** Why a stream ends, in the terms of https://grpc.io/docs/guides/status-codes/ */
export type EndCode =
  | "UNAVAILABLE"
  | "UNAUTHENTICATED"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "INVALID_ARGUMENT"
  | "UNIMPLEMENTED"
  | "INTERNAL";

/** What a session needs from the stream below it. */
export interface Transport {
  /** False: no more until `Session.drained`. */
  write(message: Buffer): boolean;
  /** Stops and restarts the delivery of requests. */
  pause(): void;
  resume(): void;
  end(code: EndCode, message: string): void;
}

export interface SessionOptions {
  readonly proxyKey: string;
  readonly expiresAtMs: number;
  readonly provider: ResourceProvider;
  readonly observer: XdsObserver;
  readonly logger: XdsLogger;
  readonly stream: StreamOptions;
  readonly protocol: ProxyClient["kind"];
}

/** All that a client learns of our faults. */
export const INTERNAL_ERROR = "the control plane failed; its log says why";
/** Longest delay of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** A client that comes back asks for all its types at once; this is for one that does not use them all. */
const RESUME_MS = 2_000;
/** Refusals quote what the proxy was given; a log line needs the beginning. */
const MAX_LOGGED_MESSAGE = 2_000;

/** One stream of one authenticated proxy: runs the protocol steps and carries out what they say. */
export class Session {
  readonly proxyKey: string;
  readonly #options: SessionOptions;
  readonly #transport: Transport;
  readonly #protocol: Protocol;
  readonly #connectedAtMs = Date.now();
  readonly #unservedTypes = new Set<string>();
  #connection: ProviderConnection | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #resume: NodeJS.Timeout | undefined;
  readonly #times = new Map<ResourceType, TypeTimes>();
  #nodeId = "";
  #bytesSent = 0;
  #responsesSent = 0;
  #blocked = false;
  #closed = false;
  /** Changes that came while the transport was full. */
  #waiting = new Map<ResourceType, Set<string>>();

  constructor(transport: Transport, options: SessionOptions) {
    this.proxyKey = options.proxyKey;
    this.#options = options;
    this.#transport = transport;
    this.#protocol = createProtocol(options.protocol, options.stream);
  }

  /** @returns false if the proxy is not known, or its credential has expired; the stream has then been ended. */
  start(): boolean {
    const { provider, proxyKey, logger, protocol } = this.#options;
    this.#scheduleExpiry();
    if (this.#closed) return false;
    this.#connection = provider.connect(proxyKey, (names) => this.#changed(names), protocol);
    if (this.#connection !== undefined) return true;
    const message = `there is no workload ${proxyKey}, though the certificate is valid: create it, or check the name`;
    logger.warn(`refused a stream: ${message}`, { proxy: proxyKey });
    this.end("PERMISSION_DENIED", message);
    return false;
  }

  /** Takes a message from the client. */
  receive(message: Buffer): void {
    if (this.#closed) return;
    try {
      const request = this.#protocol.receive(message);
      if (request.nodeId !== "") this.#nodeId = request.nodeId;
      const type = resourceTypeOf(request.typeUrl);
      if (type === undefined) this.#ignore(request.typeUrl);
      else {
        // What the client has kept counts as asked for: what it once fetched is not taken away.
        if (type === "cluster") this.#connection?.demand(request.names);
        this.#run((view) => request.take(type, view));
      }
      if (this.#protocol.state.resuming) this.#scheduleResume();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The transport takes messages again. */
  drained(): void {
    if (this.#closed || !this.#blocked) return;
    this.#blocked = false;
    const names = this.#waiting;
    this.#waiting = new Map();
    if (names.size > 0) this.#changed(names);
    if (!this.#blocked) this.#transport.resume();
  }

  end(code: EndCode, message: string): void {
    if (this.#closed) return;
    this.close();
    this.#transport.end(code, message);
  }

  /** The stream is over; nothing more is sent. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#expiry);
    clearTimeout(this.#resume);
    this.#connection?.close();
    this.#connection = undefined;
  }

  sync(): ProxySync {
    return {
      proxyKey: this.proxyKey,
      nodeId: this.#nodeId,
      protocol: this.#options.protocol,
      connectedAtMs: this.#connectedAtMs,
      bytesSent: this.#bytesSent,
      responsesSent: this.#responsesSent,
      types: RESOURCE_TYPES.map((type) => this.#protocol.state.types[type])
        .filter((types) => types.opened)
        .map((types) => syncOf(types, this.#timesOf(types.type), this.#waiting.get(types.type)?.size ?? 0)),
    };
  }

  #changed(names: ChangedNames): void {
    if (this.#closed) return;
    if (this.#blocked) {
      for (const [type, changed] of names) {
        const waiting = this.#waiting.get(type) ?? new Set();
        for (const name of changed) waiting.add(name);
        this.#waiting.set(type, waiting);
        this.#times.set(type, { staleSinceMs: Date.now(), ...this.#timesOf(type) });
      }
      return;
    }
    try {
      this.#run((view) => this.#protocol.changed(names, view));
    } catch (error) {
      this.#fail(error);
    }
  }

  #run(step: (view: ResourceView) => readonly Effect[]): void {
    if (this.#connection === undefined) return;
    const view = this.#connection.view();
    const nowMs = Date.now();
    for (const effect of step(view)) {
      if (this.#closed) return;
      if (effect.kind !== "abort") this.#times.set(effect.type, afterEffect(this.#timesOf(effect.type), effect, nowMs));
      this.#perform(effect);
    }
    for (const state of Object.values(this.#protocol.state.types))
      if (state.opened) this.#times.set(state.type, afterStep(this.#timesOf(state.type), state, view, nowMs));
  }

  #timesOf(type: ResourceType): TypeTimes {
    return this.#times.get(type) ?? {};
  }

  #perform(effect: Effect): void {
    const { observer, logger } = this.#options;
    switch (effect.kind) {
      case "send": {
        const message = this.#protocol.encode(effect);
        this.#bytesSent += message.length;
        this.#responsesSent += 1;
        if (!this.#transport.write(message) && !this.#blocked) {
          this.#blocked = true;
          this.#transport.pause();
        }
        return;
      }
      case "acked":
        observer.onAck?.(this.proxyKey, effect.type, effect.versions);
        return;
      case "nacked":
        logger.error(
          `proxy ${this.proxyKey} refused ${effect.type} ${[...effect.versions.keys()].slice(0, 20).join(", ")}: ` +
            effect.message.slice(0, MAX_LOGGED_MESSAGE),
          { kind: "nack", proxy: this.proxyKey, type: effect.type },
        );
        observer.onNack?.(this.proxyKey, effect.type, effect.versions, effect.message);
        return;
      case "abort":
        logger.warn(`the stream ends because of a limit: ${effect.message}`, { proxy: this.proxyKey });
        this.end("RESOURCE_EXHAUSTED", effect.message);
    }
  }

  #ignore(typeUrl: string): void {
    if (this.#unservedTypes.size >= 100 || this.#unservedTypes.has(typeUrl)) return;
    this.#unservedTypes.add(typeUrl);
    this.#options.logger.warn("the proxy asks for a type that is not served and gets no answer", {
      proxy: this.proxyKey,
      typeUrl: typeUrl.slice(0, 200),
    });
  }

  #fail(error: unknown): void {
    const malformed = error instanceof Error && "code" in error && error.code === "XDS_MALFORMED_REQUEST";
    this.#options.logger.error("the stream ends because of an error", { proxy: this.proxyKey, error });
    if (malformed) this.end("INVALID_ARGUMENT", error.message);
    else this.end("INTERNAL", INTERNAL_ERROR);
  }

  #scheduleResume(): void {
    if (this.#closed || this.#resume !== undefined) return;
    this.#resume = setTimeout(() => {
      try {
        this.#run((view) => this.#protocol.resumed(view));
      } catch (error) {
        this.#fail(error);
      }
    }, RESUME_MS);
    this.#resume.unref();
  }

  #scheduleExpiry(): void {
    const { expiresAtMs, proxyKey } = this.#options;
    const leftMs = expiresAtMs - Date.now();
    if (leftMs <= 0) {
      this.end("UNAUTHENTICATED", `the credential of ${proxyKey} expired at ${new Date(expiresAtMs).toISOString()}`);
      return;
    }
    this.#expiry = setTimeout(() => this.#scheduleExpiry(), Math.min(leftMs, MAX_TIMEOUT_MS));
    this.#expiry.unref();
  }
}

function syncOf(types: TypeState, times: TypeTimes, waiting: number): TypeSync {
  return {
    type: types.type,
    sentVersions: types.client.size,
    inFlight: types.inFlight !== undefined,
    pending: types.asked.size + types.changed.size + types.leaving.size + waiting,
    ackedNonce: types.ackedNonce,
    times,
    ...(types.lastNack === undefined ? {} : { lastNack: types.lastNack }),
    ...(types.type === "extension"
      ? { ackedVersions: new Map([...types.good].map(([name, content]) => [name, content.version])) }
      : {}),
    ...(types.type === "secret"
      ? { ackedVersions: new Map([...types.client].map(([name, version]) => [name, settled(types, name, version)])) }
      : {}),
  };
}

/** The version that the client has for certain. */
function settled({ inFlight }: TypeState, name: string, version: string): string {
  return inFlight?.contents.has(name) ? UNCLEAR : version;
}
