import { request } from "node:http";

const TIMEOUT_MS = 2_000;
const MAX_BODY_BYTES = 64 * 1024;

/** An answer of Envoy's admin API. */
export interface AdminAnswer {
  readonly status: number;
  /** Its first 64 KiB. */
  readonly body: string;
}

/** Asks Envoy's admin API. Rejects when nobody answers in time. */
export function askAdmin(
  address: { readonly host: string; readonly port: number },
  method: "GET" | "POST",
  path: string,
): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ ...address, method, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (body.length < MAX_BODY_BYTES) body += chunk.slice(0, MAX_BODY_BYTES - body.length);
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error(`no answer from ${address.host}:${address.port}${path}`)));
    call.on("error", reject);
    call.end();
  });
}
