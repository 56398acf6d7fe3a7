import { formatReference, parseReference, type SignatureForm, signImage } from "@weft/registry";
import { readSigningKey } from "../workbench/key-files.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import { openRegistries, type RegistryAccess } from "../workbench/registry-access.js";

export interface PluginSignOptions extends RegistryAccess {
  /** File with the private key. */
  readonly key: string;
  readonly form: SignatureForm;
  readonly output: OutputFormat;
}

/** `weft plugin sign REFERENCE`. Returns the exit code. */
export async function pluginSign(text: string, options: PluginSignOptions): Promise<number> {
  const reference = parseReference(text);
  const { registry, repository } = reference;
  const key = await readSigningKey(options.key);
  const client = await openRegistries(options, [reference]);
  // A tag may move at any time: what is signed is the digest that is told here, whatever happens to the tag.
  const { digest } = await client.pullManifest(reference);
  const pinned = formatReference({ ...reference, digest });
  if (reference.digest === undefined && options.output === "text") {
    console.error(`${formatReference(reference)} is ${digest} now; this is what gets signed`);
  }
  await signImage(client, { registry, repository, digest }, key, { form: options.form });
  if (options.output === "json") {
    printJson({ ok: true, reference: pinned, digest, form: options.form, key: key.publicKey.hint });
  } else console.log(`signed ${pinned} (${options.form})`);
  return 0;
}
