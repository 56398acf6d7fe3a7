import { describe, expect, it } from "vitest";
import { mkService, mkWorkload, settings } from "../../../test/builders.js";
import type { AuthorizationPolicy } from "../model/authorization-policy.js";
import { type Handover, type Leaving, servedPortId } from "../model/handover.js";
import { objectKey } from "../model/object-ref.js";
import type { PeerAuthentication } from "../model/peer-authentication.js";
import type { Service } from "../model/service.js";
import { emptySnapshot, type Snapshot } from "../model/snapshot.js";
import type { Workload } from "../model/workload.js";
import { build } from "./build.js";
import { slotPolicies } from "./ref.js";
import { select, selectedRefs } from "./select.js";

// What translation makes of a workload that has left a service, or joins one, while others do not know.
const service = mkService("s");
const was = mkWorkload("a", { labels: { app: "s" }, address: "127.0.1.1", serviceAccount: "alone" });
const now = { ...was, labels: { app: "nobody" } };
const other = mkWorkload("b", { labels: { app: "s" }, address: "127.0.1.2" });

const leaving = (phase: Leaving["phase"], of: Service = service): Leaving => {
  const served = { workload: was, service: of, port: of.ports[0]! };
  return { ...served, id: servedPortId(served), phase };
};
const left = (phase: Leaving["phase"], of?: Service): Handover => ({
  joining: new Map(),
  leaving: [leaving(phase, of)],
});

function snapshotOf(workloads: readonly Workload[], handover?: Handover, over: Partial<Snapshot> = {}): Snapshot {
  return {
    ...emptySnapshot(settings, ""),
    services: new Map([[service.host, service]]),
    workloads: new Map(workloads.map((workload) => [objectKey(workload), workload])),
    handovers: new Map(handover && [["default/a", handover]]),
    ...over,
  };
}
const refsOf = (snapshot: Snapshot, workload: Workload) =>
  [...selectedRefs(select(snapshot, { key: objectKey(workload), workload }))].filter(({ name }) =>
    /^(inbound|weft\/in\/8080\/authz)/.test(name),
  );
/** `listener inbound|8080` */
const inboundOf = (snapshot: Snapshot, workload: Workload) =>
  refsOf(snapshot, workload).flatMap(({ type, name }) => (type === "extension" ? [] : `${type} ${name}`));
const textOf = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("latin1");
/** The addresses that callers have of the service. */
function addresses(snapshot: Snapshot): string[] {
  const resource = build({ type: "endpoints", name: `outbound|8080||${service.host}`, variant: "" }, snapshot);
  return ["127.0.1.1", "127.0.1.2"].filter((address) => textOf(resource.bytes).includes(address));
}

describe("a workload that has left", () => {
  it.each<[Leaving["phase"], string[], string[]]>([
    ["announced", ["listener inbound|8080", `cluster inbound|8080||${service.host}`], ["127.0.1.1"]],
    ["told", ["listener inbound|8080", `cluster inbound|8080||${service.host}`], []],
    ["draining", [`cluster inbound|8080||${service.host}`], []],
  ])("when it is %s has %j, and callers have %j", (phase, inbound, called) => {
    const snapshot = snapshotOf([now], left(phase));
    expect(inboundOf(snapshot, now).sort()).toEqual(inbound.sort());
    expect(addresses(snapshot)).toEqual(called);
    // It is there only for want of others.
    expect(addresses(snapshotOf([now, other], left(phase)))).toEqual(["127.0.1.2"]);
  });

  it("has what it had, byte for byte, also when the service is no more", () => {
    const before = snapshotOf([was, other]);
    for (const services of [before.services, new Map()]) {
      const after = snapshotOf([now, other], left("told"), { services });
      for (const ref of refsOf(before, was))
        expect([ref.name, build(ref, after).version]).toEqual([ref.name, build(ref, before).version]);
    }
  });

  it("is known to callers by its identity while they have it", () => {
    const identity = (phase: Leaving["phase"]) =>
      textOf(
        build(
          { type: "cluster", name: `outbound|8080||${service.host}`, variant: "" },
          snapshotOf([now, other], left(phase)),
        ).bytes,
      ).includes("/sa/alone");
    expect(identity("announced")).toBe(true);
    expect(identity("told")).toBe(false);
  });

  it("stays behind the policies that were in force, and those for what it is now", () => {
    const policy = (name: string, over: Partial<AuthorizationPolicy>): AuthorizationPolicy => ({
      namespace: "default",
      name,
      action: "DENY",
      dryRun: false,
      rules: [],
      ...over,
    });
    const policies = [
      policy("before", { selector: { app: "s" } }),
      policy("now", { selector: { app: "nobody" } }),
      policy("of-others", { selector: { app: "other" } }),
      policy("service", { targetServices: ["s"] }),
    ];
    const authorizationPolicies = new Map(policies.map((each) => [objectKey(each), each]));
    const snapshot = snapshotOf([now, other], left("told"), { authorizationPolicies, services: new Map() });
    const slot = refsOf(snapshot, now).find(({ name }) => name === "weft/in/8080/authz");
    expect(slot && slotPolicies(slot).keys).toEqual(["default/before", "default/now", "default/service"]);
  });

  it("goes on refusing plaintext where that was refused", () => {
    const strict: PeerAuthentication = { namespace: "default", name: "p", mode: "STRICT", selector: { app: "s" } };
    const peerAuthentications = new Map([["default/p", strict]]);
    const listener = (snapshot: Snapshot, workload: Workload) => {
      const ref = refsOf(snapshot, workload).find(({ type }) => type === "listener");
      return ref && build(ref, snapshot).version;
    };
    expect(listener(snapshotOf([now, other], left("told"), { peerAuthentications }), now)).toBe(
      listener(snapshotOf([was, other], undefined, { peerAuthentications }), was),
    );
  });

  it("keeps the app's cluster where another service has its port", () => {
    const also = mkService("also", { selector: { app: "nobody" } });
    const services = new Map([service, also].map((each) => [each.host, each]));
    const snapshot = snapshotOf([now, other], left("told"), { services });
    expect(inboundOf(snapshot, now).sort()).toEqual([
      `cluster inbound|8080||${also.host}`,
      `cluster inbound|8080||${service.host}`,
      "listener inbound|8080",
    ]);
  });
});

describe("a workload that joins", () => {
  const served = { workload: was, service, port: service.ports[0]! };
  const joining: Handover = { joining: new Map([[servedPortId(served), served]]), leaving: [] };

  it("listens, and callers do not have it", () => {
    const snapshot = snapshotOf([was, other], joining);
    expect(inboundOf(snapshot, was)).toContain("listener inbound|8080");
    expect(addresses(snapshot)).toEqual(["127.0.1.2"]);
  });
});
