import { describe, expect, it } from "vitest";
import { allocateAddresses, MAX_ALLOCATED } from "./allocated-address.js";

const hosts = (count: number) => Array.from({ length: count }, (_, i) => `host-${i}.example.com`);

describe("allocateAddresses", () => {
  it("gives the same address whatever else there is, in whatever order", () => {
    const alone = allocateAddresses(["db.example.com"]).get("db.example.com");
    expect(alone).toMatch(/^240\.240\.\d+\.\d+$/);
    expect(allocateAddresses(["z.example.com", "db.example.com", "a.example.com"]).get("db.example.com")).toBe(alone);
    expect(allocateAddresses([...hosts(50)].reverse())).toEqual(allocateAddresses(hosts(50)));
  });

  it("never gives one twice, up to a full range", () => {
    const addresses = allocateAddresses(hosts(MAX_ALLOCATED));
    expect(new Set(addresses.values()).size).toBe(MAX_ALLOCATED);
    for (const edge of ["240.240.0.0", "240.240.255.255"]) expect([...addresses.values()]).not.toContain(edge);
  });

  it("gives none to those that have no place, and ends", () => {
    expect(allocateAddresses(hosts(MAX_ALLOCATED + 10)).size).toBe(MAX_ALLOCATED);
  });

  it("moves few when one comes", () => {
    const before = allocateAddresses(hosts(2_000));
    const after = allocateAddresses([...hosts(2_000), "another.example.com"]);
    const moved = [...before].filter(([host, address]) => after.get(host) !== address);
    expect(moved.length).toBeLessThan(3);
  });
});
