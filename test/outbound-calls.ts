/* What the app beside a sidecar without interception does: it sends its requests to the outbound listener, by Host. */
import { type IncomingMessage, request } from "node:http";
import type { MeshProxy } from "./translated-mesh.js";

const OUTBOUND_PORT = 15001;

export interface Reply {
  readonly status: number;
  readonly body: string;
}

/** One request on a connection of its own; a POST where there is a body. */
export function callThrough(sidecar: string, authority: string, body = "", headers = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { host: sidecar, port: OUTBOUND_PORT, headers: { ...headers, host: authority }, agent: false };
    const sent = request({ ...options, method: body === "" ? "GET" : "POST" }, (got) => {
      void textOf(got).then((text) => resolve({ status: got.statusCode ?? 0, body: text }), reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

/** The body of a message. */
export async function textOf(message: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of message.setEncoding("utf8")) text += chunk;
  return text;
}

/** The clusters of services that Envoy has, in order. */
export async function outboundClusters(proxy: MeshProxy): Promise<readonly string[]> {
  const names = [...(await proxy.admin("/clusters")).matchAll(/^(outbound\|[^:]+)::observability_name/gm)];
  return names.map((match) => match[1] ?? "").sort();
}
