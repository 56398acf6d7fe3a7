/*
 * etcd and the API server of Kubernetes alone, on loopback, for tests of what talks to them. There are no controllers and
 * no kubelet: nothing fills EndpointSlices, makes service accounts or runs pods, so a test writes such objects itself.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePorts, LOOPBACK } from "../real/process.js";
import { createDaemon, type Daemon, guard } from "./daemon.js";
import { program } from "./programs.js";

const START_LIMIT_MS = 180_000;
const POLL_MS = 100;
const START_ATTEMPTS = 3;
/** The ServiceAccount plugin would refuse every pod, because nothing makes service accounts here. */
const NO_ADMISSION = "ServiceAccount";
/** From the range for documentation: the API server insists on an address that is not loopback, and tells it to nobody. */
const ADVERTISED = "192.0.2.1";

/** A user whom the API server knows by a token of its own. */
export interface ApiUser {
  readonly name: string;
  readonly groups?: readonly string[];
}

export interface ApiAnswer {
  readonly status: number;
  /** The object, read as JSON; the text where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: an object of any kind, as the API server says it
  readonly body: any;
  /** What the API server and webhooks warn of: the texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

export interface ApiServer {
  readonly url: string;
  /** PEM of the certificates that the server's own is issued by. */
  readonly ca: string;
  /** A kubeconfig file of an administrator. */
  readonly kubeconfig: string;
  /** A kubeconfig file of one of the `users`. */
  kubeconfigOf(user: string): string;
  /** A kubeconfig file of whoever has this token, for example a service account's. */
  writeKubeconfig(token: string): Promise<string>;
  /** One request as the administrator; `body` is sent as JSON, a patch as a JSON merge patch. */
  ask(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<ApiAnswer>;
  /** Creates a namespace. */
  createNamespace(name: string, labels?: Readonly<Record<string, string>>): Promise<void>;
  /** The API server's process now; to be frozen, say. */
  pid(): number;
  /** Ends the API server; etcd keeps all objects. */
  stop(): Promise<void>;
  /** Kills it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again at the same address. */
  start(): Promise<void>;
  /** What both have printed. */
  output(): string;
  /** Ends all and removes their folder. */
  close(): Promise<void>;
}

export interface ApiServerOptions {
  /** Users beside the administrator. Default: none. */
  readonly users?: readonly ApiUser[];
  /** More arguments of the API server. Default: none. */
  readonly args?: readonly string[];
}

/** Starts both, and waits until the API server is ready. Tries again where somebody took a port meanwhile. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), "weft-api-server-"));
    const remove = guard(folder);
    const started: Daemon[] = [];
    const close = async () => {
      // The API server first: it says much when its etcd goes.
      for (const daemon of started.reverse()) await daemon.end("SIGTERM");
      await remove();
    };
    try {
      return await startIn(folder, options, started, close);
    } catch (error) {
      await close();
      if (!/address already in use/i.test(String(error)) || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startIn(
  folder: string,
  { users = [], args = [] }: ApiServerOptions,
  started: Daemon[],
  close: () => Promise<void>,
): Promise<ApiServer> {
  const [etcdPort, peerPort, port] = (await freePorts(3)) as [number, number, number];
  const etcdUrl = `http://${LOOPBACK}:${etcdPort}`;
  const peerUrl = `http://${LOOPBACK}:${peerPort}`;
  const etcd = createDaemon({
    folder,
    name: "etcd",
    command: [
      program("etcd"),
      ...["--data-dir", join(folder, "etcd"), "--unsafe-no-fsync", "--logger", "zap", "--log-level", "warn"],
      ...["--listen-client-urls", etcdUrl, "--advertise-client-urls", etcdUrl],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
      ...["--initial-cluster", `default=${peerUrl}`],
    ],
  });
  started.push(etcd);
  etcd.start();

  const admin = randomBytes(16).toString("hex");
  const tokens = new Map(users.map((user) => [user.name, randomBytes(16).toString("hex")]));
  const lines = users.map(({ name, groups = [] }) => `${tokens.get(name)},${name},${name},"${groups.join(",")}"`);
  await writeFile(join(folder, "tokens.csv"), `${[`${admin},admin,admin,"system:masters"`, ...lines].join("\n")}\n`, {
    mode: 0o600,
  });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const serviceAccountKey = join(folder, "service-accounts.key");
  await writeFile(serviceAccountKey, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  const server = createDaemon({
    folder,
    name: "kube-apiserver",
    command: [
      program("kube-apiserver"),
      ...["--etcd-servers", etcdUrl, "--cert-dir", join(folder, "certificates")],
      ...["--bind-address", LOOPBACK, "--secure-port", String(port)],
      ...["--advertise-address", ADVERTISED, "--endpoint-reconciler-type", "none"],
      ...["--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "Node,RBAC"],
      ...["--enable-admission-plugins", "NodeRestriction", "--disable-admission-plugins", NO_ADMISSION],
      ...["--token-auth-file", join(folder, "tokens.csv"), "--anonymous-auth=false", "--allow-privileged"],
      ...["--service-account-issuer", "https://kubernetes.default.svc.cluster.local"],
      ...["--service-account-key-file", serviceAccountKey, "--service-account-signing-key-file", serviceAccountKey],
      ...["--profiling=false", ...args],
    ],
  });
  started.push(server);
  const url = `https://${LOOPBACK}:${port}`;
  const caFile = join(folder, "certificates", "apiserver.crt");
  let ca = "";

  const ask: ApiServer["ask"] = (method, path, body) => request(new URL(path, url), method, ca, admin, body);
  const start = async () => {
    server.start();
    const limit = Date.now() + START_LIMIT_MS;
    for (;;) {
      ca = await readFile(caFile, "utf8").catch(() => "");
      const answer = ca === "" ? undefined : await ask("GET", "/readyz").catch(() => undefined);
      if (answer?.status === 200) return;
      for (const daemon of started) daemon.assertRuns();
      if (Date.now() > limit) throw new Error(`kube-apiserver was not ready in time:\n${server.output()}`);
      await sleep(POLL_MS);
    }
  };
  let written = 0;
  const writeKubeconfig = async (token: string) => {
    const path = join(folder, `kubeconfig-${written++}`);
    await writeFile(path, kubeconfig(url, ca, token), { mode: 0o600 });
    return path;
  };

  await start();
  const files = new Map<string, string>();
  for (const [name, token] of tokens) files.set(name, await writeKubeconfig(token));
  return {
    url,
    ca,
    kubeconfig: await writeKubeconfig(admin),
    kubeconfigOf: (user) => {
      const path = files.get(user);
      if (path === undefined) throw new Error(`the API server was started without a user ${user}`);
      return path;
    },
    writeKubeconfig,
    ask,
    createNamespace: async (name, labels = {}) => {
      const { status, body } = await ask("POST", "/api/v1/namespaces", { metadata: { name, labels } });
      if (status !== 201) throw new Error(`namespace ${name}: ${body.message}`);
    },
    pid: () => server.pid(),
    stop: () => server.end("SIGTERM"),
    kill: () => server.end("SIGKILL"),
    start,
    output: () => `${etcd.output()}\n${server.output()}`,
    close,
  };
}

function kubeconfig(url: string, ca: string, token: string): string {
  const cluster = { server: url, "certificate-authority-data": Buffer.from(ca).toString("base64") };
  // JSON is YAML.
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster }],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    "current-context": "test",
  });
}

function request(url: URL, method: string, ca: string, token: string, body?: unknown): Promise<ApiAnswer> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  return new Promise((done, fail) => {
    const call = httpsRequest(
      url,
      { method, ca, headers: { authorization: `Bearer ${token}`, "content-type": type, accept: "application/json" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (data: string) => {
          text += data;
        });
        response.on("error", fail);
        response.on("end", () =>
          done({
            status: response.statusCode ?? 0,
            body: readBody(text),
            warnings: readWarnings(response.headers.warning),
          }),
        );
      },
    );
    call.on("error", fail);
    call.setTimeout(START_LIMIT_MS, () => call.destroy(new Error(`no answer to ${method} ${url.pathname}`)));
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** https://www.rfc-editor.org/rfc/rfc7234#section-5.5: `299 - "text"`, separated by commas. */
function readWarnings(header: string | readonly string[] | undefined): readonly string[] {
  const texts = [header ?? []]
    .flat()
    .join(", ")
    .matchAll(/299 - "((?:[^"\\]|\\.)*)"/g);
  return [...texts].map(([, text = ""]) => text.replace(/\\(.)/g, "$1"));
}
