import { describe, expect, it } from "vitest";
import { formatSpiffeId, parseSpiffeId } from "./spiffe-id.js";
import { formatWorkloadUri, parseWorkloadUri } from "./workload-uri.js";

const long = "a".repeat(64);

describe("SPIFFE ids", () => {
  it.each([
    [
      "spiffe://cluster.local/ns/default/sa/frontend",
      { trustDomain: "cluster.local", namespace: "default", serviceAccount: "frontend" },
    ],
    ["spiffe://a_b-c.d/ns/n-1/sa/team.app", { trustDomain: "a_b-c.d", namespace: "n-1", serviceAccount: "team.app" }],
  ])("reads and writes %s", (text, value) => {
    expect(parseSpiffeId(text)).toEqual({ ok: true, value });
    expect(formatSpiffeId(value)).toBe(text);
  });

  it.each([
    ["", "is not of the form"],
    ["https://cluster.local/ns/default/sa/a", "is not of the form"],
    ["spiffe://cluster.local/ns/default/sa/a/b", "is not of the form"],
    ["spiffe://cluster.local/ns//sa/a", "is not of the form"],
    ["spiffe://cluster.local/ns/default/sa/a\n", "service account"],
    ["spiffe://Cluster.local/ns/default/sa/a", "trust domain"],
    ["spiffe://cluster.local:80/ns/default/sa/a", "trust domain"],
    ["spiffe://u@cluster.local/ns/default/sa/a", "trust domain"],
    ["spiffe://cluster.local/ns/a.b/sa/a", "namespace"],
    [`spiffe://cluster.local/ns/${long}/sa/a`, "namespace"],
    ["spiffe://cluster.local/ns/default/sa/%61", "service account"],
    ["spiffe://cluster.local/ns/default/sa/..", "service account"],
    ["spiffe://cluster.local/ns/default/sa/a?b", "service account"],
    [`spiffe://cluster.local/ns/default/sa/${"a".repeat(254)}`, "service account"],
    [`spiffe://cluster.local/ns/default/sa/${"a".repeat(3000)}`, "is not of the form"],
  ])("refuses %j", (text, reason) => {
    const parsed = parseSpiffeId(text);
    expect(parsed).toEqual({ ok: false, message: expect.stringContaining(reason) });
  });

  it("does not write what it would not read", () => {
    expect(() => formatSpiffeId({ trustDomain: "a", namespace: "b/ns/c", serviceAccount: "d" })).toThrow();
  });
});

describe("workload URIs", () => {
  const value = { trustDomain: "cluster.local", namespace: "default", workload: "backend-v1.2" };
  it.each([
    [value, "weft://cluster.local/ns/default/workload/backend-v1.2"],
    [{ ...value, uid: "0f4e-A1" }, "weft://cluster.local/ns/default/workload/backend-v1.2/uid/0f4e-A1"],
  ])("reads and writes %j", (uri, text) => {
    expect(formatWorkloadUri(uri)).toBe(text);
    expect(parseWorkloadUri(text)).toEqual({ ok: true, value: uri });
  });

  it.each([
    ["weft://cluster.local/ns/default/workload/", "is not of the form"],
    ["weft://cluster.local/ns/default/workload/A", "workload name"],
    ["weft://cluster.local/ns/-/workload/a", "namespace"],
    ["weft://-/ns/default/workload/a", "trust domain"],
    ["weft://cluster.local/ns/default/workload/a/uid/", "is not of the form"],
    ["weft://cluster.local/ns/default/workload/a/uid/1/2", "is not of the form"],
    ["weft://cluster.local/ns/default/workload/a/uid/-", "uid"],
    [`weft://cluster.local/ns/default/workload/a/uid/${"a".repeat(129)}`, "uid"],
    ["spiffe://cluster.local/ns/default/sa/a", "is not of the form"],
  ])("refuses %j", (text, reason) => {
    expect(parseWorkloadUri(text)).toEqual({ ok: false, message: expect.stringContaining(reason) });
  });
});
