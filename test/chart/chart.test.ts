import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, test } from "vitest";
import { parse } from "yaml";
import { decodeInjectionSettings } from "../../control-plane/src/injection/decode-settings.js";
import { DEFAULT_PROXY } from "../../control-plane/src/injection/injection-settings.js";
import { customResourceDefinitions } from "../crds/definitions.js";
import { expectGolden, expectNoOrphans, goldenCases } from "../golden.js";
import { CHART, helm, helmPath, helmWithValues, NAMESPACE, render, renderText, TEMPLATE } from "./helm.js";
import { PERMISSIONS } from "./permissions.js";

const TESTDATA = fileURLToPath(new URL("testdata", import.meta.url));
const SOURCES = fileURLToPath(new URL("../../control-plane/src", import.meta.url));
const values = parse(readFileSync(join(CHART, "values.yaml"), "utf8"));
const schema = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8"));

/** Ways to the values of a tree; lists and objects of the user's own count as values. */
function leaves(tree: unknown, path = ""): string[] {
  const isTree = typeof tree === "object" && tree !== null && !Array.isArray(tree) && Object.keys(tree).length > 0;
  if (!isTree || path === ".controlPlane.resources") return [path];
  return Object.entries(tree).flatMap(([name, inner]) => leaves(inner, `${path}.${name}`));
}

function schemaLeaves(node: Record<string, unknown>, path = ""): string[] {
  const at = typeof node.$ref === "string" ? schema.definitions[node.$ref.replace("#/definitions/", "")] : node;
  if (at.properties === undefined) return [path];
  return Object.entries<Record<string, unknown>>(at.properties).flatMap(([name, inner]) =>
    schemaLeaves(inner, `${path}.${name}`),
  );
}

test("the schema of the values has exactly the values that there are", () => {
  expect(
    schemaLeaves(schema)
      .filter((path) => path !== ".global")
      .sort(),
  ).toEqual(leaves(values).sort());
});

test("every permission is used by code that is there", () => {
  const missing = PERMISSIONS.flatMap(({ usedBy }) => usedBy).filter((path) => !existsSync(join(SOURCES, path)));
  expect(missing).toEqual([]);
});

test("the README has a row for every value, and for no other", () => {
  const rows = readFileSync(join(CHART, "README.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"));
  const named = rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => `.${name}`),
  );
  expect(named.sort()).toEqual(leaves(values).sort());
});

describe.skipIf(helmPath() === undefined)("the chart", () => {
  it.each(goldenCases(TESTDATA))("gives what the golden file says for the values of $name", (golden) => {
    expectGolden(golden, renderText(golden.input));
  });

  it("has no output without an input", () => expectNoOrphans(TESTDATA));

  it("is accepted by helm lint, warnings included", () => {
    const { ok, stdout, stderr } = helm(["lint", CHART, "--strict"]);
    expect({ ok, problems: `${stdout}${stderr}`.match(/\[(ERROR|WARNING)\].*/g) ?? [] }).toEqual({
      ok: true,
      problems: [],
    });
  });

  it.each<[string, unknown, RegExp]>([
    ["a value that there is not", { replica: 3 }, /replica/],
    ["replicas that are no number", { replicas: "many" }, /replicas/],
    ["no replica at all", { replicas: 0 }, /replicas/],
    ["a digest that is none", { images: { controlPlane: { digest: "sha256:12" } } }, /digest/],
    ["a log format that there is not", { controlPlane: { logFormat: "xml" } }, /logFormat/],
    ["an argument that is no flag", { controlPlane: { extraArgs: ["serve"] } }, /extraArgs/],
    ["a trust domain in capitals", { trustDomain: "Example" }, /trustDomain/],
    ["no time to hand over", { controlPlane: { preStopSeconds: 60 } }, /no time to hand over/],
    ["scaling by nothing", { autoscaling: { enabled: true, proxiesPerReplica: 0 } }, /goes by nothing/],
    ["bounds the wrong way round", { autoscaling: { enabled: true, minReplicas: 11 } }, /minReplicas is more/],
  ])("refuses %s", (_, wrong, message) => {
    const { ok, stderr } = helmWithValues(TEMPLATE, wrong);
    expect({ ok, stderr }).toEqual({ ok: false, stderr: expect.stringMatching(message) });
  });

  it("installs all kinds, or those of one side, or none", () => {
    const installed = (crds: object) =>
      render({ crds })
        .filter(({ kind }) => kind === "CustomResourceDefinition")
        .map(({ metadata }) => metadata.name)
        .sort();
    const all = [...customResourceDefinitions().values()].map(({ metadata }) => metadata.name);
    expect(installed({ istioWasmPlugin: true })).toEqual(all);
    const usual = all.filter((name) => name !== "wasmplugins.extensions.istio.io");
    expect(installed({})).toEqual(usual);
    expect(installed({ istio: false })).toEqual(["meshconfigs.weft.mesh", "wasmplugins.weft.mesh"]);
    expect(installed({ weft: false })).toEqual(usual.filter((name) => !name.endsWith(".weft.mesh")));
    expect(installed({ weft: false, istio: false })).toEqual([]);
  });

  it.each(goldenCases(TESTDATA))("gives the injector settings that it reads, with the values of $name", ({ input }) => {
    const settings = render(input).find(({ kind }) => kind === "ConfigMap")?.data["injection.yaml"];
    const fixed = { rootNamespace: NAMESPACE, trustDomain: "cluster.local" };
    const decoded = decodeInjectionSettings(parse(settings), fixed, "injection.yaml");
    expect(decoded).toMatchObject({ ok: true, settings: { initImage: expect.stringMatching(/weft-init:0\.1\.0/) } });
  });

  it("gives the injector the defaults that it has", () => {
    const settings = parse(render().find(({ kind }) => kind === "ConfigMap")?.data["injection.yaml"]);
    expect(settings.proxy).toEqual({ ...DEFAULT_PROXY, imagePullPolicy: "IfNotPresent" });
  });

  it("puts all that has a namespace into the release's", () => {
    const scoped = render().filter(({ metadata }) => metadata.namespace !== undefined);
    expect(new Set(scoped.map(({ metadata }) => metadata.namespace))).toEqual(new Set([NAMESPACE]));
    const cluster = render().filter(({ metadata }) => metadata.namespace === undefined);
    expect(new Set(cluster.map(({ kind }) => kind))).toEqual(
      new Set([
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
      ]),
    );
  });

  it("grants what the control plane does, and nothing else", () => {
    const one = (group: string, resource: string, verb: string, names: readonly string[] = [], own = false) =>
      `${own ? "own namespace" : "everywhere"}: ${verb} ${resource}.${group} ${[...names].sort().join(",")}`;
    const claimed = PERMISSIONS.flatMap(({ group, resources, verbs, names, own }) =>
      resources.flatMap((resource) => verbs.map((verb) => one(group, resource, verb, names, own))),
    );
    const granted = render()
      .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .flatMap(({ kind, rules }) =>
        (rules as Rule[]).flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((resource) =>
              verbs.map((verb) => one(group, resource, verb, resourceNames, kind === "Role")),
            ),
          ),
        ),
      );
    expect(granted.sort()).toEqual(claimed.sort());
    expect(granted.filter((line) => line.includes("*"))).toEqual([]);
  });

  it("lets Secrets be read in some namespaces only, where these are said", () => {
    const roles = render({ secretNamespaces: ["shop"] }).filter(({ kind }) => /Role$/.test(kind));
    const reading = roles.filter(({ rules }) =>
      (rules as Rule[]).some(
        ({ resources, verbs, resourceNames }) =>
          resources.includes("secrets") && verbs.includes("get") && resourceNames === undefined,
      ),
    );
    expect(reading.map(({ kind, metadata }) => [kind, metadata.namespace])).toEqual([["Role", "shop"]]);
  });

  it("installs webhooks that nothing can wait for until the control plane has filled them", () => {
    const configurations = render().filter(({ kind }) => kind.endsWith("WebhookConfiguration"));
    expect(configurations.map(({ metadata, webhooks }) => [metadata.name, webhooks])).toEqual([
      ["weft-injection", undefined],
      ["weft-validation", undefined],
    ]);
  });

  it("runs the control plane as a namespace of pod security level restricted takes it", () => {
    const pod = render().find(({ kind }) => kind === "Deployment")?.spec.template.spec;
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    for (const { securityContext } of pod.containers)
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    for (const volume of pod.volumes) expect(Object.keys(volume)).not.toContain("hostPath");
  });
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}
