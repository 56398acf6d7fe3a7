import { afterAll, beforeAll, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { type ApiServer, startApiServer } from "../../../../test/kubernetes/api-server.js";
import { loadKubeconfig } from "../../kubernetes/kubeconfig.js";
import { createKubernetesReader } from "../../kubernetes/reader.js";
import { sourceContract } from "../source.contract.js";
import type { Source, SourceBatch } from "../source.js";
import { SourceProbe } from "../source-probe.js";
import { createKubernetesSource } from "./source.js";

const RULES = "/apis/networking.istio.io/v1/namespaces/default/destinationrules";

/** As a later version of the kind would be: with fields that nobody here knows. */
const CRD = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "destinationrules.networking.istio.io" },
  spec: {
    group: "networking.istio.io",
    scope: "Namespaced",
    names: {
      kind: "DestinationRule",
      listKind: "DestinationRuleList",
      plural: "destinationrules",
      singular: "destinationrule",
    },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        },
      },
    ],
  },
};

interface RawObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

let server: ApiServer;

beforeAll(async () => {
  server = await startApiServer();
});
afterAll(() => server?.close());

function createSource(pageSize?: number): { readonly source: Source; close(): void } {
  const api = createKubernetesReader(loadKubeconfig(server.kubeconfig));
  const source = createKubernetesSource({ api, discoveryMs: 200, ...(pageSize === undefined ? {} : { pageSize }) });
  return { source, close: () => api.close() };
}

const ofRules = (batch: SourceBatch): SourceBatch =>
  batch.filter((event) => !("ref" in event) || event.ref.kind === "DestinationRule");

/** Without what an API server has of itself. */
function onlyRules(source: Source): Source {
  return {
    async *watch(signal) {
      for await (const batch of source.watch(signal)) if (ofRules(batch).length > 0) yield ofRules(batch);
    },
  };
}

async function apply(object: RawObject): Promise<void> {
  const { name } = object.metadata;
  const { status, body } = await server.ask("GET", `${RULES}/${name}`);
  const answer =
    status === 404
      ? await server.ask("POST", RULES, object)
      : await server.ask("PUT", `${RULES}/${name}`, {
          ...object,
          metadata: { ...object.metadata, resourceVersion: body.metadata.resourceVersion },
        });
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
}

const rule = (name: string, host = "backend"): RawObject & { readonly spec: object } => ({
  apiVersion: "networking.istio.io/v1",
  kind: "DestinationRule",
  metadata: { name },
  spec: { host },
});

it("follows a kind from the moment that it is defined, and forgets it with its definition", async () => {
  const { source, close } = createSource();
  const probe = new SourceProbe(onlyRules(source));
  await probe.next();
  expect(probe.names()).toEqual([]);
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  expect((await server.ask("POST", definitions, CRD)).status).toBe(201);
  await expect.poll(() => server.ask("GET", RULES).then(({ status }) => status), { timeout: 60_000 }).toBe(200);
  await apply(rule("a"));
  await probe.until(() => probe.names().join() === "a");
  await server.ask("DELETE", `${definitions}/${CRD.metadata.name}`);
  await probe.until(() => probe.names().length === 0);
  await expect
    .poll(() => server.ask("POST", definitions, CRD).then(({ status }) => status), { timeout: 60_000 })
    .toBe(201);
  await expect.poll(() => server.ask("GET", RULES).then(({ status }) => status), { timeout: 60_000 }).toBe(200);
  await apply(rule("b"));
  await probe.until(() => probe.names().join() === "b");
  await probe.close();
  close();
});

it("loses and invents nothing while the API server is killed and started again", async () => {
  await server.ask("DELETE", RULES);
  for (const name of ["stays", "goes", "changes"]) await apply(rule(name, "old"));
  const { source, close } = createSource(2);
  const probe = new SourceProbe(onlyRules(source));
  await probe.next();
  expect(probe.names()).toEqual(["changes", "goes", "stays"]);
  await server.kill();
  await server.start();
  await server.ask("DELETE", `${RULES}/goes`);
  await apply(rule("changes", "new"));
  await apply(rule("comes"));
  await probe.until(
    () => probe.names().join() === "changes,comes,stays" && probe.hostOf("changes")?.startsWith("new.") === true,
  );
  expect(probe.deletes).toBe(1);
  await probe.close();
  close();
});

sourceContract("kubernetes, with the real API server", async () => {
  await server.ask("DELETE", RULES);
  const files = new Map<string, RawObject[]>();
  const { source, close } = createSource();
  return {
    source: onlyRules(source),
    async write(texts) {
      for (const [file, text] of Object.entries(texts)) {
        const objects = parseAllDocuments(text ?? "").flatMap(
          (document) => (document.toJS() as RawObject | null) ?? [],
        );
        for (const { metadata } of files.get(file) ?? [])
          if (!objects.some((object) => object.metadata.name === metadata.name))
            await server.ask("DELETE", `${RULES}/${metadata.name}`);
        for (const object of objects) await apply(object);
        files.set(file, objects);
      }
    },
    async close() {
      close();
    },
  };
});
