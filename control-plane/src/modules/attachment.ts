import { describeModule } from "@weft/sdk/host";
import type { Plugin } from "../model/plugin.js";
import type { PluginManifest } from "../model/plugin-manifest.js";
import type { ModuleProblem } from "./module-problem.js";

const NETWORK_CALLBACKS = [
  "proxy_on_new_connection",
  "proxy_on_downstream_data",
  "proxy_on_upstream_data",
  "proxy_on_downstream_connection_close",
  "proxy_on_upstream_connection_close",
];
const HTTP_CALLBACK = /^proxy_on_(request|response)_(headers|body|trailers|metadata)$/;

/**
 * Whether what the object wants of a module is what the module is for: else Envoy would run it, and it would do nothing.
 * `wasm` is a module that passed `checkModule`.
 */
export function checkAttachment(
  { type, targetServices, targetRoutes }: Pick<Plugin, "type" | "targetServices" | "targetRoutes">,
  { side }: Pick<PluginManifest, "side">,
  wasm: Uint8Array,
): ModuleProblem | undefined {
  if (targetServices !== undefined && side === "client")
    return {
      reason: "SideMissing",
      message:
        "the plugin is for the callers' side (side: client in its manifest), and targetRefs with a Service is the server's; attach it by a selector",
    };
  if (targetRoutes !== undefined && side === "server")
    return {
      reason: "SideMissing",
      message:
        "the plugin is for the servers' side (side: server in its manifest), and targetRefs with a route is the callers'; target a Service, or attach it by a selector",
    };
  const { exports } = describeModule(wasm);
  const ofNetwork = NETWORK_CALLBACKS.some((name) => exports.has(name));
  if (type === "network" && !ofNetwork)
    return {
      reason: "TypeMismatch",
      message: `the module has no callback of connections (${NETWORK_CALLBACKS.slice(0, 2).join(", ")}, …): remove type: NETWORK`,
    };
  if (type === "http" && ofNetwork && ![...exports.keys()].some((name) => HTTP_CALLBACK.test(name)))
    return {
      reason: "TypeMismatch",
      message: "the module has callbacks of connections and none of HTTP streams: write type: NETWORK",
    };
  return undefined;
}
