import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { expectGolden, expectNoOrphans, goldenCases } from "../../../test/golden.js";
import { expandArguments } from "../../../test/kubelet-arguments.js";
import { createCertificateAuthority } from "../identity/certificate-authority.js";
import { createCertificateRequest, createPrivateKeyPem } from "../identity/certificate-request.js";
import { signWorkload } from "../identity/sign.js";
import { formatDiagnostic } from "../model/diagnostic.js";
import { POD_DIRECTORIES } from "./identity-files.js";
import { type Injection, inject } from "./inject.js";
import { injectionSettings } from "./injection-settings.js";
import type { JsonObject } from "./json.js";

const ENVOY = process.env.ENVOY_PATH ?? join(homedir(), ".cache/weft/envoy-1.40.0/envoy");
const TESTDATA = fileURLToPath(new URL("testdata/pods", import.meta.url));
const DEFAULTS = { rootNamespace: "weft-system", trustDomain: "cluster.local", initImage: "weft-init:1" };

interface Case {
  readonly namespace?: string;
  readonly settings?: Partial<Parameters<typeof injectionSettings>[0]>;
  /** How much of it: all; the pod without its bootstrap; our containers; probes; only that it is injected. Default: all. */
  readonly show?: "all" | "pod" | "sidecar" | "probes" | "kind";
  readonly pod?: JsonObject;
  readonly pods?: readonly ({ readonly namespace: string } & JsonObject)[];
}

const injectCase = ({ settings = {} }: Case, pod: unknown, namespace: string): Injection =>
  inject(pod, { settings: injectionSettings({ ...DEFAULTS, ...settings }), namespace, token: "TOKEN" });

interface Container extends JsonObject {
  readonly name: string;
  readonly args: readonly string[];
}
interface InjectedPod {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly initContainers: readonly Container[] };
}
const shapeOf = (pod: JsonObject) => pod as unknown as InjectedPod;
const sidecarOf = (pod: JsonObject) => shapeOf(pod).spec.initContainers[1] as Container;

describe("inject", () => {
  it.each(goldenCases(TESTDATA).map((golden) => [golden.name, golden] as const))("is what it was: %s", (_, golden) => {
    const given = parse(golden.input) as Case;
    const outcomes = (given.pods ?? [{ namespace: given.namespace ?? "default", ...given.pod }]).map(
      ({ namespace, ...pod }) =>
        outcome(injectCase(given, pod, namespace), given.show ?? (given.pods === undefined ? "all" : "kind")),
    );
    expectGolden(
      golden,
      stringify(given.pods === undefined ? outcomes[0] : outcomes, { aliasDuplicateObjects: false, lineWidth: 0 }),
    );
  });

  it("has no outcome without a case", () => expectNoOrphans(TESTDATA));
});

function outcome(injection: Injection, show: NonNullable<Case["show"]>): unknown {
  if (injection.kind === "refused") return { refused: injection.diagnostics.map(formatDiagnostic) };
  const warnings = injection.warnings.map(formatDiagnostic);
  const said = warnings.length === 0 ? {} : { warnings };
  if (injection.kind === "skipped") return { skipped: injection.reason, ...said };
  if (show === "kind") return { ...said, injected: true };
  if (show === "all")
    return { ...said, injected: withoutBootstrap(injection.pod), bootstrap: bootstrapOf(injection.pod) };
  if (show === "pod") return { ...said, injected: withoutBootstrap(injection.pod) };
  const { spec, metadata } = withoutBootstrap(injection.pod);
  if (show === "sidecar") return { ...said, metadata, initContainers: (spec as JsonObject).initContainers };
  const { listeners, clusters } = bootstrapOf(injection.pod).static_resources as {
    listeners: readonly JsonObject[];
    clusters: readonly JsonObject[];
  };
  return {
    ...said,
    containers: (spec as { containers: unknown }).containers,
    initContainers: (spec as { initContainers: readonly unknown[] }).initContainers.slice(2),
    listener: listeners.find(({ name }) => name === "app_probes"),
    clusters: clusters.filter(({ name }) => String(name).startsWith("probe|")),
  };
}

function bootstrapOf(pod: JsonObject): JsonObject {
  const { args } = sidecarOf(pod);
  return JSON.parse(args[args.indexOf("--config-yaml") + 1] ?? "");
}

function withoutBootstrap(pod: JsonObject): JsonObject {
  const copy = structuredClone(pod) as unknown as { spec: { initContainers: { args: string[] }[] } } & JsonObject;
  const args = copy.spec.initContainers[1]?.args ?? [];
  args[args.indexOf("--config-yaml") + 1] = "(the bootstrap)";
  return copy;
}

describe("the sidecar's arguments, as the kubelet gives them to Envoy", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "weft-inject-"));
    const ca = await createCertificateAuthority({ trustDomain: "cluster.local" });
    const keyPem = await createPrivateKeyPem();
    const signed = await signWorkload(ca, await createCertificateRequest(keyPem), {
      namespace: "shop",
      serviceAccount: "web",
      workload: "web",
      ttlMs: 60_000,
      nowMs: Date.now(),
    });
    if (!signed.ok) throw new Error(signed.message);
    await writeFile(join(folder, "bundle.pem"), keyPem + signed.chainPem);
    await writeFile(join(folder, "roots.pem"), ca.rootPem);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs `envoy --mode validate` as the container would start, with the volumes in a folder. */
  async function validate(pod: JsonObject, podIp: string): Promise<string> {
    const here = (text: string) =>
      text.replaceAll(POD_DIRECTORIES.identity, folder).replaceAll(POD_DIRECTORIES.secrets, folder);
    const { annotations } = shapeOf(pod).metadata;
    for (const name of ["certificate", "trust"])
      await writeFile(join(folder, `${name}.json`), here(annotations[`weft.mesh/sds-${name}`] ?? ""));
    const environment = { POD_NAME: "web", POD_NAMESPACE: "shop", POD_IP: podIp, SERVICE_ACCOUNT: "web" };
    const args = expandArguments(sidecarOf(pod).args, environment).map(here);
    const { stdout, stderr } = await promisify(execFile)(ENVOY, [...args, "--mode", "validate"]);
    return stdout + stderr;
  }

  it.each([
    ["plain", "10.1.2.3"],
    ["probes", "10.1.2.3"],
    ["probes", "fd00::3"],
    ["annotations", "10.1.2.3"],
  ])("are accepted: %s, at %s", async (name, podIp) => {
    const given = parse(goldenCases(TESTDATA).find((golden) => golden.name === name)?.input ?? "") as Case;
    const injection = injectCase(given, given.pod, "shop");
    if (injection.kind !== "injected") throw new Error(injection.kind);
    const output = await validate(injection.pod, podIp);
    expect(output).toContain("OK");
    expect(output).not.toMatch(/\[(warning|error|critical)\]/);
  });

  it("are refused when a field is wrong, so that the test above means something", async () => {
    const given = parse(goldenCases(TESTDATA).find(({ name }) => name === "plain")?.input ?? "") as Case;
    const injection = injectCase(given, given.pod, "shop");
    if (injection.kind !== "injected") throw new Error(injection.kind);
    const text = JSON.stringify(injection.pod).replace("prefix_rewrite", "prefix_rewrit");
    await expect(validate(JSON.parse(text), "10.1.2.3")).rejects.toThrow("prefix_rewrit");
  });
});
