import { formatReference, parseReference, verifyImage } from "@weft/registry";
import { readVerificationKey } from "../workbench/key-files.js";
import { type OutputFormat, plainText, printJson } from "../workbench/print.js";
import { openRegistries, type RegistryAccess } from "../workbench/registry-access.js";

export interface PluginVerifyOptions extends RegistryAccess {
  /** Files with public keys; a signature by one of them is enough. */
  readonly key: readonly string[];
  readonly output: OutputFormat;
}

/** `weft plugin verify REFERENCE`. Returns the exit code: 1 without a signature that holds. */
export async function pluginVerify(text: string, options: PluginVerifyOptions): Promise<number> {
  const reference = parseReference(text);
  const files = new Map<string, string>();
  const keys = [];
  for (const file of options.key) {
    const key = await readVerificationKey(file);
    keys.push(key);
    files.set(key.hint, file);
  }
  const client = await openRegistries(options, [reference]);
  const { digest } = await client.pullManifest(reference);
  const pinned = formatReference({ ...reference, digest });
  const result = await verifyImage(client, reference, digest, keys);
  const isJson = options.output === "json";
  if (!result.ok) {
    if (isJson) printJson({ ok: false, reference: pinned, digest, problems: result.problems });
    else for (const line of failureLines(pinned, result.problems)) console.error(line);
    return 1;
  }
  const signatures = result.signatures.map(({ form, key }) => ({ form, key, keyFile: files.get(key) ?? "" }));
  if (isJson) printJson({ ok: true, reference: pinned, digest, signatures });
  else {
    console.log(pinned);
    for (const { form, keyFile } of signatures) console.log(`  signed by ${keyFile} (${form})`);
  }
  return 0;
}

function failureLines(pinned: string, problems: readonly string[]): string[] {
  if (problems.length === 0) return [`${pinned} is not signed`];
  return [`${pinned} has no signature that holds:`, ...problems.map((problem) => `  ${plainText(problem)}`)];
}
