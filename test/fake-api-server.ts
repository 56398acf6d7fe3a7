import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";

/** A kind of the fake: `core/v1` has the group "". */
export interface FakeKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
}

interface FakeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
}

interface WatchEvent {
  readonly version: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: FakeObject;
}

interface Watcher {
  readonly kind: FakeKind;
  readonly response: ServerResponse;
  /** Name that its field selector asks for. */
  readonly name: string | undefined;
}

/**
 * A stand-in for kube-apiserver that speaks its list and watch protocol, and breaks it where it is told to: for the
 * faults that a real one cannot be asked for.
 */
export class FakeApiServer {
  readonly requests: string[] = [];
  kinds: FakeKind[];
  /** The next requests whose path this matches are answered with the status instead. */
  readonly failures: { readonly path: RegExp; readonly status: number; times: number }[] = [];
  #version = 100;
  /** Versions before are not remembered. */
  #oldest = 0;
  readonly #objects = new Map<string, FakeObject>();
  readonly #events: WatchEvent[] = [];
  readonly #watchers = new Set<Watcher>();
  #pages = new Map<string, { readonly version: number; readonly items: readonly FakeObject[] }>();
  #server: Server | undefined;
  #port = 0;

  constructor(kinds: readonly FakeKind[]) {
    this.kinds = [...kinds];
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>((done) => server.listen(this.#port, "127.0.0.1", done));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Ends all connections, and is not there until it starts again. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
  }

  get kubeconfig(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "fake", server: `http://127.0.0.1:${this.#port}`, skipTLSVerify: true },
      { name: "fake" },
    );
    return config;
  }

  get watches(): number {
    return this.#watchers.size;
  }

  /** Creates the object or replaces it. `isSilent`: watches are not told, as if they had been cut just before. */
  apply(object: FakeObject, { isSilent = false } = {}): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    const version = ++this.#version;
    const uid = before?.metadata.uid ?? `uid-${version}`;
    const metadata = { ...object.metadata, uid, resourceVersion: String(version), managedFields: [{ manager: "x" }] };
    const stored = { ...object, metadata };
    this.#objects.set(key, stored);
    if (!isSilent) this.#tell({ version, type: before === undefined ? "ADDED" : "MODIFIED", object: stored });
  }

  delete(object: FakeObject, { isSilent = false } = {}): void {
    const before = this.#objects.get(keyOf(object));
    if (before === undefined) return;
    this.#objects.delete(keyOf(object));
    const version = ++this.#version;
    const stored = { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } };
    if (!isSilent) this.#tell({ version, type: "DELETED", object: stored });
  }

  /** Ends all watches: in order, or by cutting the connection in the middle of a line. */
  cutWatches(how: "end" | "middle" = "end"): void {
    for (const { response } of [...this.#watchers])
      if (how === "end") response.end();
      else {
        response.write('{"type":"ADDED","obj');
        response.destroy();
      }
    this.#watchers.clear();
  }

  /** Forgets what happened, as a server does after some minutes: older versions are expired. */
  forget(): void {
    this.#oldest = this.#version;
    this.#events.length = 0;
    this.#pages = new Map();
  }

  /** Tells all watches that their version has expired. */
  expireWatches(): void {
    const object = { kind: "Status", status: "Failure", reason: "Expired", code: 410, message: "too old" };
    for (const { response } of this.#watchers) response.end(`${JSON.stringify({ type: "ERROR", object })}\n`);
    this.#watchers.clear();
  }

  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } };
    for (const { response } of this.#watchers) response.write(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
  }

  #tell(event: WatchEvent): void {
    this.#events.push(event);
    for (const watcher of this.#watchers) send(watcher, event);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://fake");
    this.requests.push(`${url.pathname}${url.search}`);
    const failure = this.failures.find(({ path, times }) => times > 0 && path.test(`${url.pathname}${url.search}`));
    if (failure !== undefined) {
      failure.times -= 1;
      fail(response, failure.status, failure.status === 410 ? "Expired" : "Failed");
      return;
    }
    if (url.pathname === "/apis") {
      json(response, this.#discovery());
      return;
    }
    const one = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(url.pathname);
    if (one !== null) {
      const object = this.#objects.get(`v1 Secret ${one[1]}/${one[2]}`);
      if (object === undefined) fail(response, 404, "NotFound");
      else json(response, object);
      return;
    }
    const found = this.#find(url.pathname);
    if (found === undefined) {
      fail(response, 404, "NotFound");
      return;
    }
    const { kind, namespace } = found;
    const name = /^metadata\.name=(.*)$/.exec(url.searchParams.get("fieldSelector") ?? "")?.[1];
    if (url.searchParams.get("watch") === "1") this.#watch(response, { kind, response, name }, url.searchParams);
    else this.#list(response, { kind, namespace, name }, url.searchParams);
  }

  #find(path: string): { readonly kind: FakeKind; readonly namespace: string | undefined } | undefined {
    for (const kind of this.kinds) {
      const base = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
      if (path === `${base}/${kind.resource}`) return { kind, namespace: undefined };
      const namespace = new RegExp(`^${base}/namespaces/([^/]+)/${kind.resource}$`).exec(path)?.[1];
      if (namespace !== undefined) return { kind, namespace };
    }
    return undefined;
  }

  #list(
    response: ServerResponse,
    { kind, namespace, name }: { kind: FakeKind; namespace: string | undefined; name: string | undefined },
    query: URLSearchParams,
  ): void {
    const [id, from] = (query.get("continue") ?? "").split(" ");
    const known = id ? this.#pages.get(id) : undefined;
    if (id && known === undefined) {
      fail(response, 410, "Expired");
      return;
    }
    const page = known ?? {
      version: this.#version,
      items: [...this.#objects.values()].filter(
        (o) =>
          isOf(kind, o) &&
          (namespace === undefined || o.metadata.namespace === namespace) &&
          (name === undefined || o.metadata.name === name),
      ),
    };
    const start = Number(from ?? 0);
    const limit = Number(query.get("limit") ?? page.items.length);
    const end = start + Math.max(1, limit);
    let next = "";
    if (end < page.items.length) {
      const token = id || `page${this.#pages.size}`;
      this.#pages.set(token, page);
      next = `${token} ${end}`;
    }
    const items = page.items.slice(start, end).map(({ apiVersion: _, kind: __, ...rest }) => rest);
    json(response, {
      metadata: { resourceVersion: String(page.version), ...(next === "" ? {} : { continue: next }) },
      items: items.length === 0 ? null : items,
    });
  }

  #watch(response: ServerResponse, watcher: Watcher, query: URLSearchParams): void {
    const from = Number(query.get("resourceVersion"));
    if (from < this.#oldest) {
      fail(response, 410, "Expired");
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    this.#watchers.add(watcher);
    response.on("close", () => this.#watchers.delete(watcher));
    for (const event of this.#events) if (event.version > from) send(watcher, event);
  }

  #discovery(): unknown {
    const groups = [...new Set(this.kinds.map(({ group }) => group).filter((group) => group !== ""))];
    return {
      kind: "APIGroupDiscoveryList",
      items: groups.map((group) => ({
        metadata: { name: group },
        versions: [...new Set(this.kinds.filter((k) => k.group === group).map(({ version }) => version))].map(
          (version) => ({
            version,
            resources: this.kinds
              .filter((k) => k.group === group && k.version === version)
              .map(({ kind, resource }) => ({ resource, responseKind: { group, version, kind } })),
          }),
        ),
      })),
    };
  }
}

function keyOf({ apiVersion, kind, metadata: { namespace = "", name } }: FakeObject): string {
  return `${apiVersion.replace(/\/.*/, "")} ${kind} ${namespace}/${name}`;
}

function isOf({ group, kind }: FakeKind, { apiVersion, kind: ofObject }: FakeObject): boolean {
  const [first = "", second] = apiVersion.split("/");
  return ofObject === kind && (second === undefined ? "" : first) === group;
}

function send({ kind, response, name }: Watcher, { type, object }: WatchEvent): void {
  if (!isOf(kind, object) || (name !== undefined && object.metadata.name !== name)) return;
  const apiVersion = kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
  response.write(`${JSON.stringify({ type, object: { ...object, apiVersion } })}\n`);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function fail(response: ServerResponse, code: number, reason: string): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify({ kind: "Status", status: "Failure", reason, code, message: `fake: ${reason}` }));
}
