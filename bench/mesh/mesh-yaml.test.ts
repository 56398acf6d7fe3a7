import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { called, hostOf, meshFiles, uncalled } from "./mesh-yaml.js";

const shape = { services: 1000, block: "127.3.9", appPort: 1234, allInScope: false };
const objects = (over: Partial<typeof shape> = {}) =>
  meshFiles({ ...shape, ...over })
    .flatMap(({ text }) => parseAllDocuments(text))
    .map((document) => document.toJS() as { kind: string; metadata: { name: string; namespace: string } });
const keys = (kind: string, over: Partial<typeof shape> = {}) =>
  objects(over)
    .filter((object) => object.kind === kind)
    .map(({ metadata }) => `${metadata.name}.${metadata.namespace}.svc.cluster.local`);

test.each([10, 11, 20, 66, 67, 1000])("there are %i services, each once, and five of them are called", (services) => {
  const names = keys("Service", { services });
  expect(new Set(names).size).toBe(services);
  expect(names).toHaveLength(services);
  expect(called).toHaveLength(5);
  for (const service of [...called, ...uncalled(services)]) expect(names).toContain(hostOf(service));
});

test("every workload has an address of its own", () => {
  const addresses = meshFiles({ ...shape, services: 20_000 }).flatMap(({ text }) => text.match(/address: \S+/g) ?? []);
  expect(addresses.length).toBeGreaterThan(19_000);
  expect(new Set(addresses).size).toBe(addresses.length);
});

test("the scope is the default, unless all is to be in it", () => {
  expect(keys("MeshConfig")).toEqual([]);
  expect(keys("MeshConfig", { allInScope: true })).toHaveLength(1);
});
