import type { ApiServer } from "./identity/kubernetes/api-server.js";
import { openWebhookIdentity, type WebhookCredentials } from "./identity/kubernetes/webhook-identity.js";
import { pause } from "./identity/pause.js";
import { type WebhookClient, webhookConfigurations } from "./injection/webhook-configurations.js";
import { registerWebhooks } from "./injection/webhook-registration.js";
import { serveWebhooks, type WebhookServerOptions } from "./injection/webhook-server.js";
import type { Logger } from "./log.js";
import type { Leadership } from "./platform.js";

export interface WebhookControlOptions extends Omit<WebhookServerOptions, "credentials" | "onRefused" | "onFault"> {
  readonly api: ApiServer;
  /** Of the control plane. */
  readonly namespace: string;
  readonly leadership: Leadership;
  /** How the API server finds the webhooks; absent: by the Service of the control plane. */
  readonly client?: WebhookClient;
  /** By which the API server calls. */
  readonly dnsNames: readonly string[];
  readonly logger: Logger;
  /** Between two looks at what the API server has. Default: 10 seconds. */
  readonly lookMs?: number;
}

export interface WebhookControl {
  readonly port: number;
  close(): Promise<void>;
}

const LOOK_MS = 10_000;
/** Port of the Service. */
const SERVICE_PORT = 443;

/** Serves the webhooks, every replica; and as the leader tells the API server where they are and what they show. */
export async function createWebhookControl(options: WebhookControlOptions): Promise<WebhookControl> {
  const { api, namespace, leadership, logger, lookMs = LOOK_MS } = options;
  const { dnsNames, client = { kind: "service", namespace, name: "weft-control-plane", port: SERVICE_PORT } } = options;
  const isLeading = () => leadership.isLeading;
  const identity = await openWebhookIdentity({ api, namespace, dnsNames, isLeading, logger, lookMs });
  let before = identity.current;
  const server = await serveWebhooks({
    ...options,
    credentials: credentialsOf(identity.current),
    onRefused: (callers, address) =>
      logger.warn(`${callers} callers of the webhooks were not the API server`, { kind: "webhook", address }),
    onFault: (error) => logger.error("a webhook has failed", { kind: "webhook", error }),
  }).catch(async (error: unknown) => {
    await identity.close();
    throw error;
  });
  const stopped = new AbortController();
  let wake = new AbortController();
  const look = () => wake.abort();
  identity.subscribe((now) => {
    // The API server may call by the path of before for a moment.
    server.update(credentialsOf(now, before));
    before = now;
    look();
  });
  const unsubscribe = leadership.subscribe(look);

  let told = "";
  const register = async (): Promise<void> => {
    const { roots, token } = identity.current;
    const wanted = webhookConfigurations({ client, caBundle: roots, token, rootNamespace: namespace });
    let problem = "";
    try {
      const { written, missing } = await registerWebhooks(api, wanted);
      if (written.length > 0) logger.info("the API server calls these webhooks now", { names: written.join(",") });
      if (missing.length > 0)
        problem = `there is no webhook configuration ${missing.join(" and ")}: pods get no sidecar, or objects are not checked when they are written; the chart has them`;
    } catch (error) {
      problem = `the webhooks are not registered: ${(error instanceof Error ? error.message : String(error)).replaceAll(token, "…")}`;
    }
    if (problem !== told && problem !== "") logger.warn(problem, { kind: "webhook" });
    told = problem;
  };
  const keep = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      wake = new AbortController();
      if (leadership.isLeading) await register();
      await pause(lookMs, AbortSignal.any([stopped.signal, wake.signal]));
    }
  };
  const keeping = keep();
  return {
    port: server.port,
    async close() {
      stopped.abort();
      unsubscribe();
      await keeping;
      await identity.close();
      await server.close();
    },
  };
}

function credentialsOf(now: WebhookCredentials, before = now) {
  const { certificateChain, privateKey, token } = now;
  return { certificateChain, privateKey, tokens: [...new Set([token, before.token])] };
}
