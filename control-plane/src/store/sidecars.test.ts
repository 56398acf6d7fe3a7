import { expect, test } from "vitest";
import { mkService } from "../../../test/builders.js";
import type { Sidecar } from "../model/sidecar.js";
import { checkSidecars } from "./sidecars.js";

const sidecar = (name: string, over: Partial<Sidecar> = {}): Sidecar => ({ namespace: "default", name, ...over });
const exact = (value: string): NonNullable<Sidecar["egress"]> => [{ host: { kind: "exact", value } }];

test.each<[string, readonly Sidecar[], readonly string[]]>([
  [
    "one for a namespace, and one for some of its workloads",
    [sidecar("a"), sidecar("b", { selector: { app: "b" } })],
    [],
  ],
  ["one for each of two namespaces", [sidecar("a"), sidecar("a", { namespace: "other" })], []],
  ["two for a namespace: the first by name counts", [sidecar("b"), sidecar("a")], ["error DuplicateSidecar b"]],
  ["a host that there is", [sidecar("a", { egress: exact("backend.default.svc.cluster.local") })], []],
  [
    "a host that there is not",
    [sidecar("a", { egress: exact("nobody.default.svc.cluster.local") })],
    ["warning HostNotFound a"],
  ],
])("%s", (_what, sidecars, expected) => {
  const service = mkService("backend");
  const found = checkSidecars(
    new Map(sidecars.map((each) => [`${each.namespace}/${each.name}`, each])),
    new Map([[service.host, service]]),
  );
  expect(found.map(({ severity, reason, object }) => `${severity} ${reason} ${object?.name}`)).toEqual(expected);
});
