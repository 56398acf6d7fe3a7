import { expect } from "vitest";
import { digestOf } from "../src/digest.js";
import { OCI_CONFIG, OCI_MANIFEST } from "../src/media-types.js";
import { noise } from "./fixtures.js";

export const CONTENT = noise(1_000);
export const DIGEST = digestOf(CONTENT);
export const OTHER = digestOf(noise(1_000, 2));

export interface CallOptions {
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Requests to a registry, as a client makes them. */
export interface Api {
  readonly base: string;
  call(method: string, path: string, options?: CallOptions): Promise<Response>;
  /** Begins an upload; its location. */
  begin(name?: string): Promise<string>;
  pushBlob(bytes: Uint8Array, name?: string): Promise<string>;
  /** A manifest whose blobs are pushed. */
  manifestBytes(change?: Record<string, unknown>): Promise<Uint8Array>;
}

export function createApi(address: string): Api {
  const base = `http://${address}`;
  const call: Api["call"] = (method, path, { body, headers } = {}) => {
    return fetch(new URL(path, base), {
      method,
      redirect: "manual",
      ...(body === undefined ? {} : { body }),
      ...(headers === undefined ? {} : { headers }),
    });
  };
  const begin: Api["begin"] = async (name = "p") => {
    const response = await call("POST", `/v2/${name}/blobs/uploads/`);
    expect(response.status).toBe(202);
    return response.headers.get("location") ?? "";
  };
  const pushBlob: Api["pushBlob"] = async (bytes, name = "p") => {
    const digest = digestOf(bytes);
    expect((await call("PUT", `${await begin(name)}?digest=${digest}`, { body: bytes })).status).toBe(201);
    return digest;
  };
  return {
    base,
    call,
    begin,
    pushBlob,
    async manifestBytes(change = {}) {
      const config = Buffer.from("{}");
      for (const bytes of [config, CONTENT]) await pushBlob(bytes);
      const describe = (mediaType: string, bytes: Uint8Array) => {
        return { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
      };
      const manifest = {
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: describe(OCI_CONFIG, config),
        layers: [describe("application/octet-stream", CONTENT)],
        ...change,
      };
      return Buffer.from(JSON.stringify(manifest, null, 3));
    },
  };
}

/** The code of an error's body, which must have a message too. */
export async function codeOf(response: Response): Promise<string> {
  const body = (await response.json()) as { errors: { code: string; message: string }[] };
  expect(body.errors[0]?.message).toMatch(/\w/);
  return body.errors[0]?.code ?? "";
}

export function chunk(bytes: Uint8Array, range: string): CallOptions {
  return { body: bytes, headers: { "content-range": range } };
}

export function asManifest(body: Uint8Array | string, type = OCI_MANIFEST): CallOptions {
  return { body, headers: { "content-type": type } };
}
