import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistryServer, type RegistryServerOptions } from "../server/index.js";

/** Things that a test made, to be ended in reverse order after it. */
export interface Cleanup {
  add(end: () => Promise<unknown>): void;
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const ends: (() => Promise<unknown>)[] = [];
  return {
    add: (end) => void ends.push(end),
    async run() {
      for (const end of ends.splice(0).reverse()) await end();
    },
  };
}

/** The smallest valid Wasm module with `padding` bytes in a custom section, so that modules can differ. */
export function wasmModule(padding: Uint8Array = new Uint8Array(0)): Uint8Array {
  const header = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  const name = Buffer.from([1, 0x78]);
  return Buffer.concat([header, Buffer.from([0]), leb128(name.length + padding.byteLength), name, padding]);
}

function leb128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** Bytes that look random, the same ones every time. */
export function noise(length: number, seed = 1): Uint8Array {
  let state = seed >>> 0 || 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

export async function tempFolder(cleanup: Cleanup): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "weft-registry-"));
  cleanup.add(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Where a registry can keep its content. */
export const STORAGES = ["on disk", "in memory"] as const;

export interface TestRegistryOptions extends Omit<RegistryServerOptions, "dir"> {
  readonly storage?: (typeof STORAGES)[number];
}

/** The embedded registry on a free port. Returns `host:port`. */
export async function startRegistry(cleanup: Cleanup, options: TestRegistryOptions = {}): Promise<string> {
  const { storage = "on disk", ...rest } = options;
  const server = await createRegistryServer({
    ...rest,
    ...(storage === "on disk" ? { dir: await tempFolder(cleanup) } : {}),
  });
  cleanup.add(() => server.close(0));
  return server.address;
}

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface TestServer {
  /** `host:port` */
  readonly address: string;
  readonly requests: readonly RecordedRequest[];
}

/** An HTTP server that answers as the test says and remembers what it was asked. */
export async function serve(
  cleanup: Cleanup,
  handler: (request: RecordedRequest, response: ServerResponse, count: number) => unknown,
): Promise<TestServer> {
  const requests: RecordedRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    const recorded = { method, url, headers, body: Buffer.concat(chunks) };
    requests.push(recorded);
    await handler(recorded, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanup.add(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** Answers a request instead of the registry behind it; returns whether it did. */
export type Intercept = (request: RecordedRequest, response: ServerResponse) => boolean;

/** What stands before a registry and passes on what it does not answer itself. Returns `host:port`. */
export async function startBefore(
  cleanup: Cleanup,
  address: string,
  intercept: Intercept,
  dropped: readonly string[] = [],
): Promise<string> {
  const { address: front } = await serve(cleanup, async (request, response) => {
    if (intercept(request, response)) return;
    const { method, url, headers, body } = request;
    const { host: _, connection: __, "content-length": ___, "transfer-encoding": ____, ...rest } = headers;
    const answer = await fetch(`http://${address}${url}`, {
      method,
      headers: rest as Record<string, string>,
      redirect: "manual",
      ...(body.length === 0 ? {} : { body }),
    });
    const kept = [...answer.headers].filter(([name]) => ![...dropped, "connection", "keep-alive"].includes(name));
    response.writeHead(answer.status, Object.fromEntries(kept));
    response.end(method === "HEAD" ? undefined : Buffer.from(await answer.arrayBuffer()));
  });
  return front;
}

/** The embedded registry as older ones are: without the referrers API. Returns `host:port`. */
export async function startOldRegistry(cleanup: Cleanup): Promise<string> {
  const intercept: Intercept = ({ url }, response) => {
    if (!url.includes("/referrers/")) return false;
    response.writeHead(404).end("404 page not found");
    return true;
  };
  return startBefore(cleanup, await startRegistry(cleanup), intercept, ["oci-subject"]);
}
