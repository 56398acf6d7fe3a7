import { once } from "node:events";
import { Agent, request } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startUpstream } from "../envoy-static.js";
import { POLL } from "../translated-mesh.js";
import { A, NOBODY, SETS, token } from "./matrix.js";
import { ADDRESS, createPolicyMesh, type PolicyMesh, policyObject } from "./policy-mesh.js";

const OPEN = {};
const CLOSED = { authorization: [{}] };
const bearer = (name: keyof typeof token) => `authorization: Bearer ${token[name]}`;

let policies: PolicyMesh;
let keys: Awaited<ReturnType<typeof startUpstream>>;
let fetches = 0;

beforeAll(async () => {
  const [inline] = SETS.jwt?.authentication ?? [];
  const [{ jwks, ...rule }] = (inline as { jwtRules: [{ jwks: string }] }).jwtRules;
  keys = await startUpstream((req, res) => {
    if (req.url === "/keys.json") fetches++;
    res.statusCode = req.url === "/keys.json" ? 200 : 404;
    res.end(jwks);
  });
  const remote = { ...rule, jwksUri: `http://127.0.0.1:${keys.port}/keys.json` };
  const broken = { ...rule, jwksUri: "http://127.0.0.1:1/keys.json", timeout: "1s" };
  policies = await createPolicyMesh({
    open: OPEN,
    tls: OPEN,
    changing: OPEN,
    "tcp-changing": { protocol: "tcp" },
    remote: { authentication: [{ jwtRules: [remote] }] },
    broken: { authentication: [{ jwtRules: [broken] }] },
    "jwt-elsewhere": SETS["jwt-elsewhere"] ?? {},
    counted: {
      authorization: [
        { action: "DENY", dryRun: true, rules: [{}] },
        { dryRun: true },
        { action: "AUDIT", rules: [{}] },
      ],
    },
    "tcp-counted": { protocol: "tcp", authorization: [{ action: "DENY", rules: [{}] }] },
  });
  await policies.mesh.settled();
});

afterAll(async () => {
  await policies?.stop();
  await keys?.stop();
});

const status = async (set: string, ...head: string[]) => (await policies.ask(set, NOBODY, head)).status;
const counters = async (filter: string) =>
  Object.fromEntries(
    (await policies.proxy.admin(`/stats?filter=${filter}`))
      .trim()
      .split("\n")
      .map((line) => line.split(": "))
      .map(([name = "", value]) => [name, Number(value)]),
  );

/** The bytes with which a client begins TLS of its own. */
async function clientHello(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  const bytes = new Promise<string>((resolve) => {
    server.once("connection", (socket) =>
      socket.once("data", (data) => {
        resolve(data.toString("latin1"));
        socket.destroy();
      }),
    );
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  connectTls({ host: "127.0.0.1", port, servername: "app.example" }).on("error", () => {});
  return bytes.finally(() => server.close());
}

it("reaches connections that are open, without a change of listeners", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const sockets = new Set<unknown>();
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const options = { host: ADDRESS, port: policies.port("changing"), path: "/", agent };
      const req = request(options, (res) => {
        res.resume().on("end", () => resolve(res.statusCode ?? 0));
      });
      req.on("socket", (socket) => sockets.add(socket)).on("error", reject);
      req.end();
    });
  expect(await ask()).toBe(200);
  const before = policies.mesh.events.length;
  policies.change("changing", CLOSED);
  await vi.waitFor(async () => expect(await ask()).toBe(403), POLL);
  policies.change("changing", OPEN);
  await vi.waitFor(async () => expect(await ask()).toBe(200), POLL);
  agent.destroy();
  expect(sockets.size).toBe(1);
  await policies.mesh.settled();
  const types = new Set(policies.mesh.events.slice(before).map((event) => event.split(" ")[2]));
  expect([...types]).toEqual(["extension"]);
});

it("is for new connections without HTTP, and leaves open ones alone", async () => {
  const socket = connect({ host: ADDRESS, port: policies.port("tcp-changing") });
  socket.on("error", () => {});
  const echo = (text: string) =>
    new Promise<string>((resolve) => {
      socket.once("data", (data) => resolve(data.toString()));
      socket.write(text);
    });
  expect(await echo("first")).toBe("first");
  policies.change("tcp-changing", CLOSED);
  await vi.waitFor(async () => expect(await policies.send("tcp-changing", A, "hello")).toBe(""), POLL);
  expect(await echo("second")).toBe("second");
  socket.destroy();
  policies.change("tcp-changing", OPEN);
  await vi.waitFor(async () => expect(await policies.send("tcp-changing", A, "hello")).toBe("hello"), POLL);
});

it("holds for an app's own TLS on a port of HTTP, which is not looked into", async () => {
  const hello = await clientHello();
  // The app speaks plaintext, so what comes through is its complaint.
  const helloPasses = async () => (await policies.send("tls", NOBODY, hello)).startsWith("HTTP/1.1 400");
  expect(await helloPasses()).toBe(true);
  policies.change("tls", CLOSED);
  await vi.waitFor(async () => expect(await helloPasses()).toBe(false), POLL);
  policies.change("tls", { authorization: [{ action: "DENY", rules: [{ to: [{ operation: { paths: ["/x"] } }] }] }] });
  await policies.mesh.settled();
  expect(await helloPasses()).toBe(false);
});

it("counts what is only counted under names of its own, and what is denied", async () => {
  expect(await status("counted", "GET /")).toBe(200);
  const port = policies.port("counted");
  const http = await counters(`http.inbound_${port}.rbac`);
  expect(http[`http.inbound_${port}.rbac.weft_dry_run_deny.shadow_denied`]).toBe(1);
  expect(http[`http.inbound_${port}.rbac.weft_dry_run_allow.shadow_denied`]).toBe(1);
  expect(http[`http.inbound_${port}.rbac.weft_audit.shadow_denied`]).toBe(1);
  expect(http[`http.inbound_${port}.rbac.denied`] ?? 0).toBe(0);

  expect(await policies.send("tcp-counted", NOBODY, "hello")).toBe("");
  const tcpPort = policies.port("tcp-counted");
  const tcp = await counters(`tcp.inbound_${tcpPort}.deny`);
  expect(tcp[`tcp.inbound_${tcpPort}.deny.rbac.denied`]).toBe(1);
});

it("fetches keys by their URL, once for many requests, and lets nothing pass that it cannot prove", async () => {
  expect(await status("remote", "GET /", bearer("alice"))).toBe(200);
  expect(await status("remote", "GET /", bearer("bob"))).toBe(200);
  expect(await status("remote", "GET /", bearer("forged"))).toBe(401);
  expect(fetches).toBe(1);
  expect(await status("broken", "GET /", bearer("alice"))).toBe(401);
  expect(await status("broken", "GET /")).toBe(200);
});

it("tells the app what was proven, and nothing that a caller made up", async () => {
  const seen = async (...head: string[]) => {
    const { headers } = JSON.parse((await policies.ask("jwt-elsewhere", NOBODY, head)).body) as {
      headers: Record<string, string>;
    };
    return headers;
  };
  const proven = await seen("GET /", `x-jwt: Token ${token.alice}`, "x-sub: mallory", "x-payload: e30");
  expect(proven["x-sub"]).toBe("alice");
  expect(JSON.parse(Buffer.from(proven["x-payload"] ?? "", "base64url").toString())).toMatchObject({ sub: "alice" });
  expect(proven["x-jwt"]).toBe(`Token ${token.alice}`);
  const claimed = await seen("GET /", "x-sub: mallory", "x-payload: e30");
  expect(claimed["x-sub"]).toBeUndefined();
  expect(claimed["x-payload"]).toBeUndefined();
});

it("names the rule that denied", async () => {
  const name = "ns[default]-policy[open-0]-rule[0]";
  policies.change("open", {
    authorization: [{ action: "DENY", rules: [{ to: [{ operation: { methods: ["PUT"] } }] }] }],
  });
  await vi.waitFor(async () => expect(await status("open", "PUT /")).toBe(403), POLL);
  const dump = await policies.proxy.admin(`/config_dump?resource=ecds_filters`);
  expect(dump).toContain(name);
});

it("covers a workload by namespace, by the mesh and by labels", async () => {
  const denies = { action: "DENY", rules: [{ to: [{ operation: { paths: ["/scoped"] } }] }] };
  const scopes = [
    { namespace: "default", selector: undefined, covers: true },
    { namespace: "weft-system", selector: undefined, covers: true },
    { namespace: "other", selector: undefined, covers: false },
    { namespace: "default", selector: { app: "server" }, covers: true },
    { namespace: "default", selector: { app: "client" }, covers: false },
  ];
  for (const { namespace, selector, covers } of scopes) {
    const object = policyObject("AuthorizationPolicy", "scoped", {
      ...denies,
      ...(selector && { selector: { matchLabels: selector } }),
    });
    if (object.kind !== "AuthorizationPolicy") throw new Error("another kind");
    policies.mesh.apply({ ...object, value: { ...object.value, namespace } });
    await policies.mesh.settled();
    await vi.waitFor(async () => expect(await status("jwt-elsewhere", "GET /scoped")).toBe(covers ? 403 : 200), POLL);
    policies.mesh.store.apply([{ kind: "delete", ref: { kind: "AuthorizationPolicy", namespace, name: "scoped" } }]);
    await policies.mesh.settled();
  }
});
