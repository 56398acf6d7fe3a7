import { expect, it } from "vitest";
import { mkService, mkServiceEntry, mkWorkload, settings } from "../../../test/builders.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import { affected, isAffected } from "./affected.js";
import { build } from "./build.js";
import { dnsListenerRefs } from "./dns-listener.js";
import { virtualAddresses } from "./virtual-addresses.js";

const captured = (over: Parameters<typeof mkWorkload>[1] = {}) =>
  mkWorkload("app", { interception: "redirect", capturesDns: true, ...over });
const withServices = (...services: ReturnType<typeof mkService>[]): Snapshot => ({
  ...emptySnapshot(settings),
  services: new Map(services.map((service) => [service.host, service])),
});

it("is one for all workloads of a namespace and a family of addresses, and none where DNS is not captured", () => {
  const [a, b, ipv6, other] = [
    captured({ name: "a", address: "10.77.0.2" }),
    captured({ name: "b", address: "10.77.0.3", serviceAccount: "x" }),
    captured({ address: "fd77::2" }),
    captured({ namespace: "other" }),
  ].map(dnsListenerRefs);
  expect(a).toEqual(b);
  expect(new Set([a, ipv6, other].map((refs) => JSON.stringify(refs))).size).toBe(3);
  expect(dnsListenerRefs(captured({ capturesDns: false }))).toEqual([]);
});

it("changes with services, and with the workloads of headless ones only", () => {
  const [ref] = dnsListenerRefs(captured());
  if (ref === undefined) throw new Error("no listener");
  const before = withServices(mkService("web"), mkService("peers", { resolution: { kind: "headless" } }));
  const version = (snapshot: Snapshot) => build(ref, snapshot).version;
  const withWorkload = (app: string): Snapshot => ({
    ...before,
    workloads: new Map([[`default/${app}`, mkWorkload(app, { address: "10.77.0.9" })]]),
  });
  const more = withServices(
    ...before.services.values(),
    mkServiceEntry("x", ["x.example.com"]).services[0] ?? mkService("x"),
  );
  expect(isAffected(ref, affected(before, more))).toBe(true);
  expect(version(more)).not.toBe(version(before));
  expect(isAffected(ref, affected(before, withWorkload("peers")))).toBe(true);
  expect(version(withWorkload("peers"))).not.toBe(version(before));
  expect(isAffected(ref, affected(before, withWorkload("web")))).toBe(false);
  expect(version(withWorkload("web"))).toBe(version(before));
});

it("finds an address for whatever callers name, unless they choose it themselves", () => {
  const services = [
    mkService("own", { addresses: ["10.96.0.7"] }),
    mkService("none"),
    mkService("peers", { resolution: { kind: "headless" } }),
    mkService("alias", { resolution: { kind: "externalName", host: "x.example.com" } }),
    ...mkServiceEntry("wild", ["*.example.com"]).services,
    ...mkServiceEntry("db", ["db.example.com"]).services,
  ];
  const snapshot = withServices(...services);
  expect(services.map((service) => virtualAddresses(snapshot, service))).toEqual([
    ["10.96.0.7"],
    [expect.stringMatching(/^240\.240\./)],
    [],
    [],
    [],
    [expect.stringMatching(/^240\.240\./)],
  ]);
});
