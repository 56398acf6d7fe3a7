import { expect, it } from "vitest";
import { moduleWith } from "../../../test/wasm-bytes.js";
import { checkAttachment } from "./attachment.js";

const HTTP = ["proxy_on_request_headers"];
const ROUTE = { kind: "HTTPRoute", name: "a" } as const;
const NETWORK = ["proxy_on_downstream_data"];

it.each<[string, Parameters<typeof checkAttachment>[0], "client" | "server" | "both", string[], string | undefined]>([
  ["an HTTP plugin", { type: "http" }, "both", HTTP, undefined],
  ["a plugin of a root alone", { type: "http" }, "both", ["proxy_on_tick"], undefined],
  ["a NETWORK plugin", { type: "network" }, "both", NETWORK, undefined],
  ["a module for both", { type: "network" }, "both", [...HTTP, ...NETWORK], undefined],
  ["the same as HTTP", { type: "http" }, "both", [...HTTP, ...NETWORK], undefined],
  ["an HTTP module as NETWORK", { type: "network" }, "both", HTTP, "TypeMismatch"],
  ["a NETWORK module as HTTP", { type: "http" }, "both", NETWORK, "TypeMismatch"],
  ["a target of a server's plugin", { type: "http", targetServices: ["a"] }, "server", HTTP, undefined],
  ["a target of a plugin for both", { type: "http", targetServices: ["a"] }, "both", HTTP, undefined],
  ["a route's plugin of callers", { type: "http", targetRoutes: [ROUTE] }, "client", HTTP, undefined],
  ["a route's plugin of both", { type: "http", targetRoutes: [ROUTE] }, "both", HTTP, undefined],
  ["a route's plugin of servers", { type: "http", targetRoutes: [ROUTE] }, "server", HTTP, "SideMissing"],
  ["a target of a client's plugin", { type: "http", targetServices: ["a"] }, "client", HTTP, "SideMissing"],
])("%s", (_name, plugin, side, exports, reason) => {
  expect(checkAttachment(plugin, { side }, moduleWith(exports))?.reason).toBe(reason);
});
