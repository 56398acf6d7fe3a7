import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { createCertificateAuthority } from "../identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../identity/certificate-request.js";
import { controlPlaneSpiffeId } from "../identity/control-plane-id.js";
import { signWorkload } from "../identity/sign.js";
import { type BootstrapOptions, buildBootstrap } from "./bootstrap.js";
import { STANDALONE_FILES } from "./identity-files.js";
import { buildIdentitySecrets } from "./identity-secrets.js";
import { STATS_CONFIG } from "./stats.js";

const ENVOY = process.env.ENVOY_PATH ?? join(homedir(), ".cache/weft/envoy-1.40.0/envoy");
const OPTIONS: BootstrapOptions = {
  namespace: "default",
  name: "backend-v1",
  serviceAccount: "backend",
  address: "127.0.1.3",
  xdsAddress: { host: "127.0.0.1", port: 15012 },
  controlPlaneId: controlPlaneSpiffeId("cluster.local"),
  files: STANDALONE_FILES,
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "weft-bootstrap-"));
  await mkdir(join(folder, "identity"));
  const ca = await createCertificateAuthority({ trustDomain: "cluster.local" });
  const keyPem = await createPrivateKeyPem();
  const signed = await signWorkload(ca, await createCertificateRequest(keyPem), {
    namespace: "default",
    serviceAccount: "backend",
    workload: "backend-v1",
    ttlMs: 60_000,
    nowMs: Date.now(),
  });
  if (!signed.ok) throw new Error(signed.message);
  await writeFile(join(folder, STANDALONE_FILES.privateKey), keyPem, { mode: 0o600 });
  await writeFile(join(folder, STANDALONE_FILES.certificateChain), signed.chainPem);
  await writeFile(join(folder, STANDALONE_FILES.trustBundle), ca.rootPem);
  for (const { name, content } of buildIdentitySecrets(STANDALONE_FILES))
    await writeFile(join(folder, name), JSON.stringify(content));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function validate(bootstrap: unknown): Promise<string> {
  await writeFile(join(folder, "bootstrap.json"), JSON.stringify(bootstrap));
  const { stdout, stderr } = await promisify(execFile)(
    ENVOY,
    ["--mode", "validate", "-c", "bootstrap.json", "-l", "warning"],
    {
      cwd: folder,
    },
  );
  return stdout + stderr;
}

it("tells plugins the workload's labels", async () => {
  const labels = { app: "backend", "app.kubernetes.io/version": "v1" };
  const bootstrap = buildBootstrap({ ...OPTIONS, labels });
  expect(bootstrap.node).toMatchObject({ metadata: { NAMESPACE: "default", LABELS: labels } });
  expect(await validate(bootstrap)).toBe("configuration 'bootstrap.json' OK\n");
});

describe("buildBootstrap", () => {
  it("is what it was", async () => {
    await expect(stringify(buildBootstrap(OPTIONS))).toMatchFileSnapshot("testdata/bootstrap.out.yaml");
  });

  it.each<[string, Partial<BootstrapOptions>]>([
    ["an address of the control plane", {}],
    ["a host name of the control plane", { xdsAddress: { host: "localhost", port: 15012 } }],
    ["IPv6", { address: "::1", xdsAddress: { host: "::1", port: 15012 } }],
    ["a connection limit of its own", { maxDownstreamConnections: 10 }],
  ])("is accepted by Envoy without a warning, with %s", async (_what, change) => {
    const output = await validate(buildBootstrap({ ...OPTIONS, ...change }));
    expect(output).toContain("configuration 'bootstrap.json' OK");
    expect(output).not.toMatch(/\[(warning|error|critical)\]/);
  });

  it("is refused by Envoy when a field is wrong, so that the test above means something", async () => {
    await expect(validate({ ...buildBootstrap(OPTIONS), stats_confg: {} })).rejects.toThrow("stats_confg");
  });

  it("asks a control plane with a host name for that name", () => {
    const text = JSON.stringify(buildBootstrap({ ...OPTIONS, xdsAddress: { host: "localhost", port: 1 } }));
    expect(text).toContain('"sni":"localhost"');
    expect(text).toContain('"STRICT_DNS"');
    expect(JSON.stringify(buildBootstrap(OPTIONS))).not.toContain('"sni"');
  });
});

describe("STATS_CONFIG", () => {
  const { patterns } = (STATS_CONFIG as unknown as { stats_matcher: { inclusion_list: { patterns: Pattern[] } } })
    .stats_matcher.inclusion_list;
  interface Pattern {
    readonly prefix?: string;
    readonly safe_regex?: { readonly regex: string };
  }
  const isKept = (name: string): boolean =>
    patterns.some(({ prefix, safe_regex }) =>
      prefix === undefined ? new RegExp(`^(?:${safe_regex?.regex})$`).test(name) : name.startsWith(prefix),
    );

  it.each([
    ["cluster.outbound|80|v1|backend.default.svc.cluster.local.upstream_rq_200", true],
    ["cluster.outbound|80|v1|backend.default.svc.cluster.local.upstream_rq_retry_success", true],
    ["cluster.outbound|80|v1|backend.default.svc.cluster.local.internal.upstream_rq_5xx", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.upstream_cx_connect_fail", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.membership_healthy", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.ssl.fail_verify_san", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.circuit_breakers.default.rq_retry_open", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.circuit_breakers.default.remaining_rq", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.outlier_detection.ejections_active", true],
    ["cluster.outbound|80||a.default.svc.cluster.local.outlier_detection.ejections_enforced_consecutive_5xx", true],
    ["cluster.outbound|80||auth.default.svc.cluster.local.lb_healthy_panic", false],
    ["cluster.outbound|80||auth.default.svc.cluster.local.ssl.ciphers.TLS_AES_128_GCM_SHA256", false],
    ["cluster.xds.update_success", true],
    ["http.inbound_8080.downstream_rq_2xx", true],
    ["listener_manager.listener_create_success", true],
    ["wasmcustom.istio_requests_total", true],
    ["wasm.envoy.wasm.runtime.v8.active", true],
    ["extension_config_discovery.http_filter.weft/in/8080/stats.config_reload", true],
    ["server.live", true],
    ["vhost.backend.vcluster.other.upstream_rq_200", false],
    ["runtime.num_keys", false],
  ])("%s: kept %s", (name, expected) => expect(isKept(name)).toBe(expected));
});
