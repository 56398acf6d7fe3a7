import { properties } from "./properties";

/**
 * The cluster of a callout that the WasmPlugin lists under `callouts`, by the callout's name. The plugin's own namespace
 * and name are in it, so the plugin needs no configuration to call: `new HttpCall(callout("auth"), "auth", "/check")`.
 * Outside of the mesh, where the plugin is not called `<namespace>.<name>`, it is the callout's name itself.
 *
 * A read of an attribute (1.2 µs): keep the text, for example from `onConfigure` on.
 */
export function callout(name: string): string {
  const plugin = properties.string("plugin_name");
  if (plugin === null) return name;
  // A namespace has no dots, a plugin's name may.
  const dot = plugin.indexOf(".");
  if (dot < 1) return name;
  return "callout|" + plugin.substring(0, dot) + "|" + plugin.substring(dot + 1) + "|" + name;
}
