import { expect, it } from "vitest";
import { mkService, mkServiceEntry, mkWorkload } from "../../../test/builders.js";
import type { EndpointSlice, SliceEndpoint } from "./endpoint-slice.js";
import { instancePort, instancesOf, preferStaying } from "./membership.js";
import type { Service } from "./service.js";
import type { Workload } from "./workload.js";

const web = mkService("web");
const pod = (name: string, over: Partial<Workload> = {}) =>
  mkWorkload(name, {
    labels: { app: "web" },
    ports: {},
    interception: "redirect",
    pod: { ports: {}, node: "n" },
    ...over,
  });
const endpoint = (address: string, over: Partial<SliceEndpoint> = {}): SliceEndpoint => ({
  address,
  isLeaving: false,
  ...over,
});
const slice = (
  name: string,
  endpoints: readonly SliceEndpoint[],
  over: Partial<EndpointSlice> = {},
): EndpointSlice => ({
  namespace: "default",
  name,
  host: web.host,
  family: "IPv4",
  ports: { http: 8080 },
  endpoints,
  ...over,
});

function found(service: Service, slices: readonly EndpointSlice[], workloads: readonly Workload[] = []) {
  const members = {
    endpointSlices: new Map(slices.length === 0 ? [] : [[service.host, slices]]),
    workloads: new Map(workloads.map((workload) => [`${workload.namespace}/${workload.name}`, workload])),
  };
  return instancesOf(members, service);
}
const brief = (...input: Parameters<typeof found>) =>
  found(...input).map(({ address, workload }) => `${address} ${workload?.name ?? "unknown"}`);

it("of a Service pods answer when a slice says so, and WorkloadEntries by their labels", () => {
  const entry = mkWorkload("entry", { labels: { app: "web" }, address: "10.9.0.1" });
  const workloads = [pod("a"), pod("b"), entry];
  const slices = [slice("s", [endpoint("10.0.0.1", { pod: "default/a" }), endpoint("192.0.2.1")])];
  expect(brief(web, slices, workloads)).toEqual(["10.9.0.1 entry", "10.0.0.1 a", "192.0.2.1 unknown"]);
  expect(brief(web, [], workloads)).toEqual(["10.9.0.1 entry"]);
});

it("of a ServiceEntry, of which no cluster knows, pods answer by their labels too", () => {
  const service = mkServiceEntry("e", ["web.example"], { selector: { app: "web" }, resolution: { kind: "workloads" } })
    .services[0] as Service;
  expect(brief(service, [], [pod("a", { address: "10.0.0.1" })])).toEqual(["10.0.0.1 a"]);
});

it.each<[string, SliceEndpoint]>([
  ["that is not known yet", endpoint("10.0.0.1", { pod: "default/later" })],
  ["of another namespace", endpoint("10.0.0.1", { pod: "other/a" })],
  ["whose name a WorkloadEntry has", endpoint("10.0.0.1", { pod: "default/entry" })],
])("nobody answers in the place of a pod %s", (_, wanted) => {
  const workloads = [pod("a", { namespace: "other" }), mkWorkload("entry")];
  expect(brief(web, [slice("s", [wanted])], workloads)).toEqual([]);
});

it("an address that moves from one slice to another is there once, and stays as long as one says so", () => {
  const slices = [slice("s", [endpoint("10.0.0.1", { isLeaving: true })]), slice("t", [endpoint("10.0.0.1")])];
  for (const order of [slices, slices.toReversed()])
    expect(found(web, order)).toMatchObject([{ address: "10.0.0.1", isLeaving: false }]);
});

it("of two families of addresses the Service's first one counts, where it has any", () => {
  const [v4, v6] = [slice("a", [endpoint("10.0.0.1")]), slice("b", [endpoint("fd00::1")], { family: "IPv6" })];
  expect(brief(web, [v4, v6])).toEqual(["10.0.0.1 unknown"]);
  expect(brief({ ...web, addresses: ["fd00::a"] }, [v4, v6])).toEqual(["fd00::1 unknown"]);
  expect(brief({ ...web, addresses: ["10.96.0.1"] }, [v6])).toEqual(["fd00::1 unknown"]);
});

it("who is about to end is for those who find nobody else", () => {
  const [stays, leaves] = [endpoint("10.0.0.1"), endpoint("10.0.0.2", { isLeaving: true })];
  expect(preferStaying([leaves, stays])).toEqual([stays]);
  expect(preferStaying([leaves])).toEqual([leaves]);
});

it("an instance answers for the ports that its slice has", () => {
  const [instance] = found(web, [slice("s", [endpoint("10.0.0.1")], { ports: { http: 9 } })]);
  const port = { name: "http", port: 80, targetPort: 80, protocol: "http" } as const;
  expect(instancePort(instance!, port)).toBe(9);
  expect(instancePort(instance!, { ...port, name: "other" })).toBeUndefined();
});
