import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { parseAllDocuments } from "yaml";
import { decodeObject } from "../../control-plane/src/decode/decode.js";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import { addressBlock } from "../../e2e/support/ports.js";
import { mkDestinationRule, mkService, mkWorkload } from "../builders.js";
import { textOf } from "../outbound-calls.js";
import { createTranslatedMesh, type TranslatedMesh } from "../translated-mesh.js";
import { type Echo, startEcho } from "./echo.js";

/** Two callers, `frontend` (tier gold) and `other`, and the services a (subsets v1 and v2) and b. */
export interface RoutingMesh {
  readonly mesh: TranslatedMesh;
  readonly backends: Readonly<Record<"a-v1" | "a-v2" | "b", Echo>>;
  /** `METHOD /path | header: value`, as in the rows; the host is `host` where no header says another. */
  call(text: string, host: string): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** What the backend got, where one answered. */
  readonly seen?: Seen;
  readonly ms: number;
}

interface Seen {
  readonly name: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The objects of a YAML stream, which must be right. */
export function objectsOf(yaml: string): MeshObject[] {
  return parseAllDocuments(yaml).map((document) => {
    const decoded = decodeObject(document.toJS(), { standalone: true });
    if (!decoded.ok) throw new Error(JSON.stringify(decoded.diagnostics, null, 2));
    return decoded.object;
  });
}

/** `expected` are reasons of errors that the objects are there to have. */
export async function createRoutingMesh(yaml: string, expected: readonly string[] = []): Promise<RoutingMesh> {
  const block = addressBlock();
  const mesh = await createTranslatedMesh();
  const backends = { "a-v1": await startEcho("a-v1"), "a-v2": await startEcho("a-v2"), b: await startEcho("b") };
  const backend = (name: keyof typeof backends, labels: Readonly<Record<string, string>>): MeshObject => ({
    kind: "WorkloadEntry",
    value: mkWorkload(name, { address: "127.0.0.1", ports: { http: backends[name].port }, hasSidecar: false, labels }),
  });
  const addresses: Readonly<Record<string, string>> = { frontend: `${block}.1`, other: `${block}.2` };
  mesh.apply(
    { kind: "Service", value: mkService("a") },
    { kind: "Service", value: mkService("b") },
    { kind: "DestinationRule", value: mkDestinationRule("a", ["v1", "v2"]) },
    backend("a-v1", { app: "a", version: "v1" }),
    backend("a-v2", { app: "a", version: "v2" }),
    backend("b", { app: "b" }),
    ...Object.entries(addresses).map(
      ([name, address]): MeshObject => ({
        kind: "WorkloadEntry",
        value: mkWorkload(name, { address, labels: { app: name, tier: name === "frontend" ? "gold" : "tin" } }),
      }),
    ),
    ...objectsOf(yaml),
  );
  const problems = mesh.store.current.diagnostics.filter(
    ({ severity, reason }) => severity === "error" && !expected.includes(reason),
  );
  if (problems.length > 0) throw new Error(JSON.stringify(problems, null, 2));
  await mesh.startProxy("frontend");
  await mesh.startProxy("other");
  await mesh.settled();
  return {
    mesh,
    backends,
    call: (text, host) => {
      const [line = "", ...lines] = text.split(" | ");
      const [method = "GET", path = "/"] = line.split(" ");
      const { by = "frontend", ...headers } = Object.fromEntries(
        lines.map((header): [string, string] => [header.slice(0, header.indexOf(":")), header.replace(/^[^:]*: /, "")]),
      );
      return send(addresses[by] ?? "", method, path, { host, "x-case": randomUUID(), ...headers });
    },
    async stop() {
      await mesh.stop();
      for (const { close } of Object.values(backends)) close();
    },
  };
}

/** What an answer says of the things that a row speaks of, written as the row writes them. */
export function told(answer: Answer, expected: string): string {
  const [first = "", ...parts] = expected.split(" | ");
  const { seen, status, body } = answer;
  const start = /^\d{3}/.test(first)
    ? `${status}${first.length > 3 ? ` ${body.trimEnd()}` : ""}`
    : seen === undefined
      ? `${status} ${body}`
      : `${seen.name} ${seen.path}`;
  const headers = parts.map((part) => {
    const [side, name = ""] = part.split(" ");
    const key = name.replace(/:$/, "");
    const value = side === ">" ? seen?.headers[key] : answer.headers[key];
    return value === undefined ? `${side} ${key}` : `${side} ${key}: ${String(value)}`;
  });
  return [start, ...headers].join(" | ");
}

function send(address: string, method: string, path: string, headers: Record<string, string>): Promise<Answer> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: address, port: 15001, method, path, headers, agent: false };
    const sent = request(options, (got) => {
      textOf(got).then((body) => {
        const ms = performance.now() - start;
        const answer = { status: got.statusCode ?? 0, headers: got.headers, body, ms };
        resolve(body.startsWith("{") ? { ...answer, seen: JSON.parse(body) as Seen } : answer);
      }, reject);
    });
    sent.on("error", reject);
    sent.end();
  });
}
