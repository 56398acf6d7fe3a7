import { injectionSettings } from "@weft/control-plane/injection/injection-settings";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { injectManifests } from "./inject-manifests.js";

const CONTEXT = {
  settings: injectionSettings({ rootNamespace: "weft-system", trustDomain: "cluster.local", initImage: "weft-init:1" }),
  namespace: "default",
  createToken: () => "TOKEN",
};
const injected = (text: string) => injectManifests(text, "app.yaml", CONTEXT);
/** In each document: the names of the items of the list at a path; undefined where there is none. */
function namesOf(text: string, ...path: readonly (string | number)[]) {
  return [...parseAllDocuments(text)].map((document) => {
    const list = document.getIn(path) as { toJSON(): readonly { readonly name: string }[] } | undefined;
    return list?.toJSON().map(({ name }) => name);
  });
}

const POD = "containers: [{ name: web, image: web }]";
const SERVICE = `# the shop's
apiVersion: v1
kind: Service   # left as it is
metadata: {name: web}
spec: {ports: [{port: 80}]}
`;
const DEPLOYMENT = `---
# who serves
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web # its name
spec:
  template:
    spec:
      containers:
        # the app
        - name: web
          image: web
`;

describe("manifests", () => {
  it("are as they were where nothing is injected, to the last character", () => {
    for (const text of ["", "# nothing\n", "---\n", SERVICE, `${SERVICE}---\n${SERVICE}...\n# end\n`, "[1, 2]\n"]) {
      expect(injected(text)).toMatchObject({ text, outcomes: [] });
    }
    const skipped = `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: true, ${POD}}\n`;
    const { text, outcomes } = injected(skipped);
    expect(text).toBe(skipped);
    expect(outcomes).toMatchObject([{ ref: { kind: "Pod", namespace: "default", name: "a" }, result: "skipped" }]);
  });

  it("keep comments, also of what is injected", () => {
    const { text, outcomes } = injected(`${SERVICE}${DEPLOYMENT}---\n${SERVICE}`);
    expect(text.startsWith(SERVICE)).toBe(true);
    expect(text.endsWith(`---\n${SERVICE}`)).toBe(true);
    for (const comment of ["# who serves", "# its name", "# the app"]) expect(text).toContain(comment);
    expect(outcomes.map(({ result }) => result)).toEqual(["injected"]);
    expect(namesOf(text, "spec", "template", "spec", "initContainers")).toEqual([
      undefined,
      ["weft-init", "weft-proxy"],
      undefined,
    ]);
  });

  it("are injected once: twice is the same", () => {
    const { text } = injected(DEPLOYMENT);
    const again = injected(text);
    expect(again.text).toBe(text);
    expect(again.outcomes).toMatchObject([{ result: "skipped", reason: "it has its sidecar already" }]);
  });

  it.each([
    ["apps/v1", "Deployment", "template"],
    ["apps/v1", "StatefulSet", "template"],
    ["apps/v1", "DaemonSet", "template"],
    ["apps/v1", "ReplicaSet", "template"],
    ["batch/v1", "Job", "template"],
    ["batch/v1", "CronJob", "jobTemplate.spec.template"],
    ["v1", "ReplicationController", "template"],
  ])("of %s %s are injected", (apiVersion, kind, where) => {
    const path = ["spec", ...where.split(".")];
    const pod = path.reduceRight((inner, key) => `{ ${key}: ${inner} }`, `{ spec: { ${POD} } }`);
    const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: a }\n${pod.slice(2, -2)}\n`;
    expect(namesOf(injected(text).text, ...path, "spec", "initContainers")).toEqual([["weft-init", "weft-proxy"]]);
  });

  it("of a list are injected, each item that can be", () => {
    const pod = `{ apiVersion: v1, kind: Pod, metadata: { name: a, namespace: shop }, spec: { ${POD} } }`;
    const text = `apiVersion: v1\nkind: List\nitems:\n  - { apiVersion: v1, kind: Service }\n  - ${pod}\n`;
    const { text: after, outcomes } = injected(text);
    expect(outcomes).toMatchObject([{ ref: { kind: "Pod", namespace: "shop", name: "a" }, result: "injected" }]);
    expect(namesOf(after, "items", 1, "spec", "initContainers")).toEqual([["weft-init", "weft-proxy"]]);
  });

  it("of other groups with the same kinds are left alone", () => {
    const text = `apiVersion: example.com/v1\nkind: Job\nspec: { template: { spec: { ${POD} } } }\n`;
    expect(injected(text)).toMatchObject({ text, outcomes: [] });
  });

  it("with anchors are written out", () => {
    const text = `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a, labels: &l { app: a } }\nspec: { template: { metadata: { labels: *l }, spec: { ${POD} } } }\n`;
    const { text: after } = injected(text);
    expect(after).not.toContain("*l");
    expect(namesOf(after, "spec", "template", "spec", "initContainers")).toEqual([["weft-init", "weft-proxy"]]);
  });

  it("can be JSON", () => {
    const text = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"name":"a"}]}}`;
    expect(namesOf(injected(text).text, "spec", "initContainers")).toEqual([["weft-init", "weft-proxy"]]);
  });

  it("that are wrong are named with object and field", () => {
    const annotated = DEPLOYMENT.replace(
      "    spec:\n",
      "    metadata: {annotations: {weft.mesh/injekt: x}}\n    spec:\n",
    );
    expect(injected(annotated).outcomes).toMatchObject([
      {
        ref: { kind: "Deployment", name: "web" },
        result: "refused",
        diagnostics: [{ reason: "UnknownAnnotation", field: 'spec.template.metadata.annotations["weft.mesh/injekt"]' }],
      },
    ]);
    const without = "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec: {}\n";
    expect(injected(without).outcomes).toMatchObject([
      { result: "refused", diagnostics: [{ field: "spec.template" }] },
    ]);
  });

  it.each([
    ["no YAML", "a: [1", /app\.yaml: .*line 1/s],
    [
      "a bomb of aliases",
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [${Array(9).fill("*a")}]\nc: &c [${Array(9).fill("*b")}]\nd: [${Array(9).fill("*c")}]`,
      /alias/i,
    ],
  ])("that are %s are refused", (_what, text, message) => expect(() => injected(text)).toThrow(message));
});
