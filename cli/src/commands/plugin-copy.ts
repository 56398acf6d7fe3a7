import { copyImage, formatReference, parseReference } from "@weft/registry";
import { count, type OutputFormat, printJson } from "../workbench/print.js";
import { openRegistries, type RegistryAccess } from "../workbench/registry-access.js";

export interface PluginCopyOptions extends RegistryAccess {
  readonly output: OutputFormat;
}

/** `weft plugin copy SOURCE TARGET`: with signatures; the digest stays. Returns the exit code. */
export async function pluginCopy(source: string, target: string, options: PluginCopyOptions): Promise<number> {
  const [from, to] = [parseReference(source), parseReference(target)];
  const client = await openRegistries(options, [from, to]);
  const { digest, referrers } = await copyImage(client, from, to);
  const pinned = formatReference({ ...to, digest });
  if (options.output === "json") printJson({ ok: true, reference: pinned, digest, referrers });
  else console.log(`${pinned} (with ${count(referrers, "referrer")})`);
  return 0;
}
