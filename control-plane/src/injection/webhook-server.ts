import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type AdmissionAnswer, type AdmissionRequest, parseReview, reviewOf } from "./admission-review.js";
import type { InjectionSettings } from "./injection-settings.js";
import { type ReviewPlugin, reviewObject } from "./review-object.js";
import { reviewPod } from "./review-pod.js";
import { INJECT_PATH, VALIDATE_PATH } from "./webhook-configurations.js";

/** What the webhooks show, and what they want to see. All of it can change while they run. */
export interface WebhookCredentials {
  /** PEM, leaf first. */
  readonly certificateChain: string;
  readonly privateKey: string;
  /** Whoever names one of them in the path is the API server; the last but one still counts while it is replaced. */
  readonly tokens: readonly string[];
}

export interface WebhookServerOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly credentials: WebhookCredentials;
  /** As they are when a pod is made. */
  readonly settings: () => InjectionSettings;
  readonly reviewPlugin?: ReviewPlugin;
  /** A caller that is not the API server, at most once a minute with how many there were; a fault of our own. */
  readonly onRefused?: (callers: number, lastAddress: string) => void;
  readonly onFault?: (error: unknown) => void;
  /** What became of each review, for counting. */
  readonly onReview?: (webhook: "inject" | "validate", allowed: boolean) => void;
}

export interface WebhookServer {
  readonly port: number;
  /** New connections see the new certificate; those that are open go on. */
  update(credentials: WebhookCredentials): void;
  /** Lets reviews that have begun end. */
  close(): Promise<void>;
}

/** An object has at most 1.5 MiB or so in etcd; an update brings two of them. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 1_000;
const REFUSAL_REPORT_MS = 60_000;

/** An answer that is no review. */
class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Serves the webhooks over HTTPS. Resolves when the API server may call. */
export async function serveWebhooks(options: WebhookServerOptions): Promise<WebhookServer> {
  let { credentials } = options;
  const reportRefusal = createRefusalReport(options.onRefused ?? (() => {}));

  const reviews: Readonly<Record<"inject" | "validate", (request: AdmissionRequest) => Promise<AdmissionAnswer>>> = {
    inject: async (request) =>
      reviewPod(request, { settings: options.settings(), token: randomBytes(16).toString("hex") }),
    validate: (request) => reviewObject(request, options.reviewPlugin),
  };

  const answer = async (message: IncomingMessage): Promise<string> => {
    // The API server adds a query.
    const [pathname = ""] = (message.url ?? "").split("?");
    const webhook = pathname.startsWith(INJECT_PATH)
      ? "inject"
      : pathname.startsWith(VALIDATE_PATH)
        ? "validate"
        : undefined;
    if (webhook === undefined) throw new HttpProblem(404, "there is nothing here");
    const token = pathname.slice((webhook === "inject" ? INJECT_PATH : VALIDATE_PATH).length);
    // Before anything of the body is read: strangers cost nothing.
    if (!credentials.tokens.some((known) => isSame(known, token))) {
      reportRefusal(message.socket.remoteAddress ?? "");
      throw new HttpProblem(403, "only the API server may ask");
    }
    if (message.method !== "POST") throw new HttpProblem(405, "reviews are posted");
    if (!/^application\/json\b/.test(message.headers["content-type"] ?? ""))
      throw new HttpProblem(415, "a review is application/json");
    const review = parseReview(await readBody(message));
    if (!review.ok) throw new HttpProblem(400, review.message);
    const decision = await reviews[webhook](review.request);
    options.onReview?.(webhook, decision.allowed);
    return JSON.stringify(reviewOf(review.request, decision));
  };

  const handle = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const body = await answer(message);
      response.writeHead(200, { "content-type": "application/json" }).end(body);
    } catch (error) {
      if (response.destroyed) return;
      if (!(error instanceof HttpProblem)) options.onFault?.(error);
      const [code, text] = error instanceof HttpProblem ? [error.code, error.message] : [500, "a fault of Weft"];
      // What is left of the body is not waited for.
      response.writeHead(code, { "content-type": "text/plain", connection: "close" }).end(`${text}\n`);
      response.once("finish", () => message.destroy());
    }
  };

  const tls = ({ certificateChain: cert, privateKey: key }: WebhookCredentials) => ({
    cert,
    key,
    minVersion: "TLSv1.3" as const,
  });
  const server = createServer(
    { ...tls(credentials), requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (message, response) => void handle(message, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Handshakes that fail are the callers' matter.
  server.on("tlsClientError", () => {});
  server.on("clientError", (_error, socket) => socket.destroy());
  server.listen(options.port, options.host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    update: (next) => {
      credentials = next;
      server.setSecureContext(tls(next));
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeIdleConnections();
      await closed;
    },
  };
}

/** Takes as long for any token. */
function isSame(known: string, given: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return known !== "" && timingSafeEqual(digest(known), digest(given));
}

async function readBody(message: IncomingMessage): Promise<string> {
  const tooLarge = () => new HttpProblem(413, `a review has at most ${MAX_BODY_BYTES} bytes`);
  if (Number(message.headers["content-length"] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function createRefusalReport(report: (callers: number, lastAddress: string) => void): (address: string) => void {
  let callers = 0;
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  return (address) => {
    callers += 1;
    if (Date.now() - reportedAtMs < REFUSAL_REPORT_MS) return;
    report(callers, address);
    callers = 0;
    reportedAtMs = Date.now();
  };
}
