import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Bytes of a body that are told back. */
const MAX_BODY_BYTES = 64 * 1024;

/** An upstream that answers with the request that it got, as JSON. */
export async function startEchoUpstream(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    request.on("data", (part: Buffer) => {
      if (bytes < MAX_BODY_BYTES) parts.push(part);
      bytes += part.length;
    });
    request.on("end", () => {
      const { method, url, headers } = request;
      const body = Buffer.concat(parts).subarray(0, MAX_BODY_BYTES).toString();
      response.setHeader("content-type", "application/json");
      response.end(`${JSON.stringify({ method, url, headers, body }, undefined, 2)}\n`);
    });
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(0, "127.0.0.1", done);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
