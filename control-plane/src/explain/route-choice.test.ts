import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { RouteConfigurationSchema } from "../envoy-api/gen/envoy/config/route/v3/route_pb.js";
import { chooseRoute } from "./route-choice.js";

function hostFor(authority: string, ignorePortInHostMatching: boolean): string | undefined {
  const domains = ["web", "web:80", "[fd00:96::1]", "*.wild.example", "*"];
  const routes = create(RouteConfigurationSchema, {
    virtualHosts: domains.map((domain) => ({ name: domain, domains: [domain] })),
    ignorePortInHostMatching,
  });
  const request = { method: "GET", scheme: "http", authority, path: "/", headers: {} };
  return chooseRoute(routes, request)?.virtualHost.name;
}

describe("the virtual host of a request", () => {
  // What Envoy 1.40 chose for the same.
  it.each([
    ["web", "web"],
    ["WEB:8080", "web"],
    ["web:80", "web"],
    ["[fd00:96::1]", "[fd00:96::1]"],
    ["[fd00:96::1]:80", "[fd00:96::1]"],
    ["a.wild.example:80", "*.wild.example"],
    ["nobody:80", "*"],
  ])("%s without its port is that of %s, where ports are not looked at", (authority, expected) => {
    expect(hostFor(authority, true)).toBe(expected);
  });

  it.each([
    ["web:80", "web:80"],
    ["web:8080", "*"],
    ["a.wild.example:80", "*"],
  ])("%s is that of %s, where they are", (authority, expected) => {
    expect(hostFor(authority, false)).toBe(expected);
  });
});
