import { request } from "node:http";
import { MeshError } from "../mesh/mesh-error.js";
import type { Json } from "./json.js";

const TIMEOUT_MS = 10_000;
/** A proxy with 5,000 services has some 60 MB; its plugins' modules are in it too. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Where a proxy's admin API is. */
export interface AdminAddress {
  readonly host: string;
  readonly port: number;
}

/** Asks a proxy's admin API for JSON. Throws a MeshError that says what to do where no proxy answers. */
export async function askEnvoy({ host, port }: AdminAddress, path: string): Promise<Json> {
  const where = `${host}:${port}`;
  const fail = (why: string, cause?: unknown) =>
    new MeshError("proxy-unreachable", `the proxy's admin API at ${where} ${why}`, { cause });
  const body = await new Promise<string>((resolve, reject) => {
    const call = request({ host, port, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_BYTES) call.destroy(new Error(`its answer has more than ${MAX_BYTES} bytes`));
        else parts.push(part);
      });
      response.on("end", () => {
        if (response.statusCode === 200) resolve(Buffer.concat(parts).toString("utf8"));
        else reject(new Error(`it answers ${response.statusCode}`));
      });
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    call.on("error", reject);
    call.end();
  }).catch((error: Error) => {
    throw fail(
      `cannot be asked: ${error.message}; start the mesh with weft up, or name the address with --admin`,
      error,
    );
  });
  try {
    return JSON.parse(body);
  } catch (error) {
    throw fail("does not answer with JSON: something else than Envoy listens there", error);
  }
}
