/*
 * One sidecar of one workload with a Service for each set of policies, so that many sets are tried in one Envoy; and
 * callers with identities of their own, who send bytes as they are written.
 */
import { type KeyObject, sign } from "node:crypto";
import { createServer, type Server } from "node:http";
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server as TcpServer,
} from "node:net";
import { connect as connectTls } from "node:tls";
import { decodeObject } from "../../control-plane/src/decode/decode.js";
import { formatDiagnostic } from "../../control-plane/src/model/diagnostic.js";
import type { MeshObject } from "../../control-plane/src/model/mesh-object.js";
import { mkService, mkWorkload } from "../builders.js";
import { createTranslatedMesh, type MeshProxy, type TranslatedMesh } from "../translated-mesh.js";

/** The specs of policies that hold for one port, without what they are for. */
export interface PolicySet {
  readonly protocol?: "http" | "tcp";
  readonly authorization?: readonly PolicySpec[];
  readonly authentication?: readonly object[];
}

export type PolicySpec = Readonly<Record<string, unknown>> & { readonly dryRun?: boolean };

/** Who calls: `<namespace>/<service account>`, or nobody, without TLS. */
export type Caller = string | undefined;

export interface Answer {
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly body: string;
}

export interface PolicyMesh {
  readonly mesh: TranslatedMesh;
  readonly proxy: MeshProxy;
  /** The port of a set's Service. */
  port(set: string): number;
  /** Sends a request; `head` is its first line without `HTTP/1.1`, then headers. */
  ask(set: string, caller: Caller, head: readonly string[]): Promise<Answer>;
  /** Sends bytes to a TCP port, and gives what comes back until the other side is silent or gone. */
  send(set: string, caller: Caller, text: string): Promise<string>;
  /** Puts other specs in the place of a set's. */
  change(set: string, policies: PolicySet): void;
  stop(): Promise<void>;
}

export const ADDRESS = "127.0.66.1";
const FIRST_PORT = 21_000 + (process.pid % 100) * 100;

export function policyObject(kind: string, name: string, spec: object, annotations: object = {}): MeshObject {
  const raw = { apiVersion: "security.istio.io/v1", kind, metadata: { name, annotations }, spec };
  const decoded = decodeObject(raw, { standalone: true });
  if (!decoded.ok) throw new Error(decoded.diagnostics.map(formatDiagnostic).join("\n"));
  return decoded.object;
}

function objectsOf(set: string, { authorization = [], authentication = [] }: PolicySet): MeshObject[] {
  const targetRefs = [{ kind: "Service", name: set }];
  return [
    ...authorization.map(({ dryRun, ...spec }, index) =>
      policyObject(
        "AuthorizationPolicy",
        `${set}-${index}`,
        { ...spec, targetRefs },
        dryRun ? { "istio.io/dry-run": "true" } : {},
      ),
    ),
    ...authentication.map((spec, index) =>
      policyObject("RequestAuthentication", `${set}-${index}`, { ...spec, targetRefs }),
    ),
  ];
}

export async function createPolicyMesh(sets: Readonly<Record<string, PolicySet>>): Promise<PolicyMesh> {
  const app = await listen(
    createServer((req, res) => {
      res.setHeader("connection", "close");
      res.end(JSON.stringify({ url: req.url, method: req.method, headers: req.headers }));
    }),
  );
  const tcpApp = await listen(
    createTcpServer((socket) => socket.on("error", () => {}).on("data", (data) => socket.write(data))),
  );
  const mesh = await createTranslatedMesh();
  const names = Object.keys(sets);
  const port = (set: string) => FIRST_PORT + names.indexOf(set);
  const protocolOf = (set: string) => sets[set]?.protocol ?? "http";
  mesh.apply(
    ...names.map((name): MeshObject => {
      const protocol = protocolOf(name);
      const ports = [{ name: protocol, port: port(name), targetPort: 1, protocol }];
      return { kind: "Service", value: mkService(name, { selector: { app: "server" }, ports }) };
    }),
    {
      kind: "WorkloadEntry",
      value: mkWorkload("server", { address: ADDRESS, ports: { http: portOf(app), tcp: portOf(tcpApp) } }),
    },
    ...names.flatMap((name) => objectsOf(name, sets[name] ?? {})),
  );
  const proxy = await mesh.startProxy("server");
  const pairs = new Map<string, { key: string; cert: string; ca: string }>();

  const connect = async (set: string, caller: Caller) => {
    if (caller === undefined) return connectTcp({ host: ADDRESS, port: port(set) });
    let pair = pairs.get(caller);
    if (pair === undefined) {
      const [namespace, account] = caller.split("/");
      const uris = [`spiffe://test/ns/${namespace}/sa/${account}`, `weft://test/${namespace}/${account}-1`];
      const { privateKey, certificateChain } = await mesh.authority.issue({ uris });
      pair = { key: privateKey, cert: certificateChain, ca: mesh.authority.rootCert };
      pairs.set(caller, pair);
    }
    const servername = `${set}.default.svc.cluster.local.weft.mesh`;
    return connectTls({ host: ADDRESS, port: port(set), servername, ...pair, checkServerIdentity: () => undefined });
  };
  const exchange = async (set: string, caller: Caller, text: string, isWhole: (got: string) => boolean) => {
    const socket = await connect(set, caller);
    return new Promise<string>((resolve) => {
      let got = "";
      const end = () => {
        socket.destroy();
        resolve(got);
      };
      socket.on("data", (chunk: Buffer) => {
        got += chunk.toString("latin1");
        if (isWhole(got)) end();
      });
      socket.on("error", end).on("close", end);
      socket.write(text, "latin1");
    });
  };

  return {
    mesh,
    proxy,
    port,
    async ask(set, caller, [first = "GET /", ...headers]) {
      const host = headers.some((line) => /^host:/i.test(line)) ? [] : ["host: app"];
      const text = [`${first} HTTP/1.1`, ...host, ...headers, "connection: close", "", ""].join("\r\n");
      const got = await exchange(set, caller, text, isWholeAnswer);
      const body = got.slice(got.indexOf("\r\n\r\n") + 4);
      return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(got)?.[1] ?? 0), body };
    },
    send: (set, caller, text) => exchange(set, caller, text, (got) => got.length >= text.length),
    change(set, policies) {
      const kept = new Set(objectsOf(set, policies).map(({ kind, value }) => `${kind} ${value.name}`));
      const { authorizationPolicies, requestAuthentications } = mesh.store.current.snapshot;
      for (const [kind, all] of [
        ["AuthorizationPolicy", authorizationPolicies],
        ["RequestAuthentication", requestAuthentications],
      ] as const)
        for (const { name, targetServices } of all.values())
          if (targetServices?.includes(set) && !kept.has(`${kind} ${name}`)) mesh.remove(kind, name);
      mesh.apply(...objectsOf(set, policies));
    },
    async stop() {
      await mesh.stop();
      app.close();
      app.closeAllConnections();
      tcpApp.close();
    },
  };
}

/** Envoy leaves a connection open for a second after an answer of its own. */
function isWholeAnswer(got: string): boolean {
  const end = got.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: (\d+)/i.exec(got)?.[1];
  return end >= 0 && length !== undefined && got.length >= end + 4 + Number(length);
}

function portOf(server: TcpServer): number {
  return (server.address() as AddressInfo).port;
}

async function listen<T extends Server | TcpServer>(server: T): Promise<T> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return server;
}

/** A token signed with ES256. */
export function signToken(key: KeyObject, kid: string, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "ES256", typ: "JWT", kid })}.${part(claims)}`;
  return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
