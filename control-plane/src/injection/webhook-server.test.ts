import { once } from "node:events";
import { request } from "node:https";
import { connect } from "node:net";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createWebhookCertificate, type WebhookCertificate } from "../../../test/webhook-certificate.js";
import type { Plugin } from "../model/plugin.js";
import { injectionSettings } from "./injection-settings.js";
import { serveWebhooks, type WebhookServer } from "./webhook-server.js";

const SETTINGS = injectionSettings({
  rootNamespace: "weft-system",
  trustDomain: "cluster.local",
  initImage: "weft-init:1",
});
const POD = { metadata: { generateName: "web-" }, spec: { containers: [{ name: "web", image: "web" }] } };

let certificate: WebhookCertificate;
let other: WebhookCertificate;
beforeAll(async () => {
  certificate = await createWebhookCertificate();
  other = await createWebhookCertificate();
});

let server: WebhookServer;
let refused: string[];
let faults: unknown[];
let reviewPlugin: ((plugin: Plugin) => Promise<[]>) | undefined;
beforeEach(async () => {
  refused = [];
  faults = [];
  reviewPlugin = undefined;
  server = await serveWebhooks({
    host: "127.0.0.1",
    port: 0,
    credentials: { ...certificate, tokens: ["secret", "older"] },
    settings: () => SETTINGS,
    reviewPlugin: async (plugin) => (await reviewPlugin?.(plugin)) ?? [],
    onRefused: (callers, address) => refused.push(`${callers} ${address}`),
    onFault: (error) => faults.push(error),
  });
});
afterEach(async () => {
  await server.close();
  expect(faults).toEqual([]);
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function post(
  path: string,
  body: string | Buffer,
  { ca = certificate.roots, method = "POST", type = "application/json" } = {},
): Promise<Answer> {
  const call = request({ host: "127.0.0.1", port: server.port, path, method, ca, headers: { "content-type": type } });
  // The server may answer before it has read all.
  call.on("error", () => {});
  call.end(body);
  const [response] = await once(call, "response");
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

const review = (object: unknown, rest: object = {}) =>
  JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: { uid: "u-1", namespace: "shop", operation: "CREATE", object, ...rest },
  });

async function ask(path: string, object: unknown, rest: object = {}) {
  const { status, text } = await post(path, review(object, rest));
  expect(status, text).toBe(200);
  const { apiVersion, kind, response } = JSON.parse(text);
  expect([apiVersion, kind, response.uid]).toEqual(["admission.k8s.io/v1", "AdmissionReview", "u-1"]);
  const patch = response.patch === undefined ? [] : JSON.parse(Buffer.from(response.patch, "base64").toString());
  return { ...response, patch };
}

describe("the webhooks", () => {
  it("inject a pod by a patch, with a token of its own each time", async () => {
    const [first, second] = [await ask("/inject/secret?timeout=10s", POD), await ask("/inject/older", POD)];
    expect(first).toMatchObject({ allowed: true, patchType: "JSONPatch" });
    expect(first.patch.map(({ op, path }: { op: string; path: string }) => `${op} ${path}`)).toEqual([
      "add /metadata/annotations",
      "add /spec/initContainers",
      "add /spec/volumes",
    ]);
    const tokenOf = ({ patch }: { patch: unknown }) =>
      /x-weft-kubelet","value":"([0-9a-f]{32})"/.exec(JSON.stringify(patch))?.[1];
    expect(tokenOf(first)).toMatch(/^[0-9a-f]{32}$/);
    expect(tokenOf(second)).not.toBe(tokenOf(first));
  });

  it("say why a pod gets no sidecar, and leave it as it is", async () => {
    const response = await ask("/inject/secret", { ...POD, spec: { ...POD.spec, hostNetwork: true } });
    expect(response).toMatchObject({ allowed: true, patch: [] });
    expect(response.warnings).toEqual([
      'Pod shop/web-: gets no sidecar: it uses the network of its node (hostNetwork), whose traffic must not be intercepted (NotInjected). Fix: if that is meant, label it weft.mesh/inject: "false"',
    ]);
  });

  it("say nothing of a pod that wants none", async () => {
    const response = await ask("/inject/secret", { ...POD, metadata: { labels: { "weft.mesh/inject": "false" } } });
    expect(response).toEqual({ uid: "u-1", allowed: true, patch: [] });
  });

  it("refuse a pod with an annotation that nobody knows, by its name", async () => {
    const response = await ask("/inject/secret", { ...POD, metadata: { annotations: { "proxy.weft.mesh/cpu": "1" } } });
    expect(response).toMatchObject({ allowed: false, status: { code: 422, reason: "Invalid" } });
    expect(response.status.message).toContain(
      'Pod shop/ metadata.annotations["proxy.weft.mesh/cpu"]: is no annotation',
    );
  });

  it("refuse an object by what the decoder says, and cut warnings to what the API server takes", async () => {
    const rule = {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name: "web" },
      spec: { hosts: ["web"], http: [{ route: [{ destination: { host: "web" }, weight: "90" }] }] },
    };
    const { status } = await ask("/validate/secret", rule);
    expect(status.message).toBe(
      'VirtualService shop/web spec.http[0].route[0].weight: is the string "90" (WrongType). Fix: write the number without quotes: 90',
    );
    const route = {
      ...rule,
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "HTTPRoute",
      spec: { parentRefs: [{ kind: "Service", name: "x".repeat(400) }] },
    };
    const { allowed, warnings } = await ask("/validate/secret", route);
    expect(allowed).toBe(true);
    expect(warnings.length).toBeGreaterThan(0);
    for (const warning of warnings) expect(warning.length).toBeLessThanOrEqual(256);
  });

  it("let an object pass that was wrong before and says the same, and one that is on its way out", async () => {
    const wrong = { apiVersion: "networking.istio.io/v1", kind: "Sidecar", metadata: { name: "a" }, spec: { x: 1 } };
    expect(await ask("/validate/secret", wrong)).toMatchObject({ allowed: false });
    const labelled = { ...wrong, metadata: { name: "a", labels: { b: "c" } } };
    const update = await ask("/validate/secret", labelled, { operation: "UPDATE", oldObject: wrong });
    expect(update).toMatchObject({ allowed: true });
    expect(update.warnings[0]).toContain("spec.x");
    const worse = await ask(
      "/validate/secret",
      { ...wrong, spec: { y: 1 } },
      { operation: "UPDATE", oldObject: wrong },
    );
    expect(worse).toMatchObject({ allowed: false });
    const leaving = { ...wrong, metadata: { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(await ask("/validate/secret", leaving, { operation: "UPDATE", oldObject: wrong })).toMatchObject({
      allowed: true,
    });
  });

  it("take an object without a name of its own yet", async () => {
    const named = {
      apiVersion: "weft.mesh/v1alpha1",
      kind: "WasmPlugin",
      metadata: { generateName: "a-" },
      spec: { url: "oci://r.example.com/a:1" },
    };
    expect(await ask("/validate/secret", named)).toMatchObject({ allowed: true });
  });

  it.each([
    ["/inject/wrong", 403],
    ["/inject/", 403],
    ["/inject/secret/more", 403],
    ["/validate/Secret", 403],
    ["/inject", 404],
    ["/", 404],
    ["//[", 404],
  ])("answer a stranger at %s with %i", async (path, status) => {
    expect((await post(path, review(POD))).status).toBe(status);
    expect(refused).toEqual(status === 403 ? ["1 127.0.0.1"] : []);
  });

  it("report strangers once a minute", async () => {
    for (let call = 0; call < 5; call += 1) await post("/inject/wrong", review(POD));
    expect(refused).toEqual(["1 127.0.0.1"]);
  });

  it.each<[string, string, number]>([
    ["no JSON", "{", 400],
    ["nothing", "", 400],
    ["another kind", '{"apiVersion":"v1","kind":"Pod"}', 400],
    ["an older version", review(POD).replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), 400],
    ["no request", '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 400],
    ["no uid", review(POD, { uid: 5 }), 400],
    ["a deletion", review(POD, { operation: "DELETE" }), 400],
    ["no object", review(null), 400],
    ["a namespace that is none", review(POD, { namespace: {} }), 400],
  ])("answer a review that is %s with an error", async (_what, body, status) => {
    for (const path of ["/inject/secret", "/validate/secret"]) expect((await post(path, body)).status).toBe(status);
  });

  it("take reviews by POST and as JSON alone", async () => {
    expect((await post("/inject/secret", review(POD), { method: "PUT" })).status).toBe(405);
    expect((await post("/inject/secret", review(POD), { type: "text/yaml" })).status).toBe(415);
  });

  it("read no more than 8 MiB, said beforehand or not", async () => {
    const large = Buffer.alloc(8 * 1024 * 1024 + 1, 0x20);
    expect((await post("/inject/secret", large)).status).toBe(413);
    const call = request({
      host: "127.0.0.1",
      port: server.port,
      path: "/inject/secret",
      method: "POST",
      ca: certificate.roots,
      headers: { "content-type": "application/json" },
    });
    call.on("error", () => {});
    call.write(large.subarray(0, large.length / 2));
    call.end(large);
    const [response] = await once(call, "response");
    response.resume();
    expect(response.statusCode).toBe(413);
    expect(await ask("/inject/secret", POD)).toMatchObject({ allowed: true });
  });

  it("answer a fault of our own with 500, tell of it, and go on", async () => {
    reviewPlugin = () => Promise.reject(new Error("broken"));
    const plugin = {
      apiVersion: "weft.mesh/v1alpha1",
      kind: "WasmPlugin",
      metadata: { name: "a" },
      spec: { url: "oci://r.example.com/a:1" },
    };
    const answer = await post("/validate/secret", review(plugin));
    expect(answer).toEqual({ status: 500, text: "a fault of Weft\n" });
    expect(faults.map(String)).toEqual(["Error: broken"]);
    faults = [];
    expect(await ask("/inject/secret", POD)).toMatchObject({ allowed: true });
  });

  it("are not disturbed by callers who speak no TLS, or hang up", async () => {
    for (const text of ["GET / HTTP/1.1\r\n\r\n", ""]) {
      const socket = connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      socket.on("error", () => {});
      socket.end(text);
      await once(socket, "close");
    }
    expect(await ask("/inject/secret", POD)).toMatchObject({ allowed: true });
  });

  it("show a new certificate and want a new token while they run", async () => {
    server.update({ ...other, tokens: ["newer"] });
    await expect(post("/inject/newer", review(POD))).rejects.toThrow();
    expect((await post("/inject/newer", review(POD), { ca: other.roots })).status).toBe(200);
    expect((await post("/inject/secret", review(POD), { ca: other.roots })).status).toBe(403);
  });
});
