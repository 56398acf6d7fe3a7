import { envoyPath } from "../../test/envoy-static.js";
import { run } from "./tools.js";

/** The version of the Envoy that is measured: number, and how it was built. */
export async function envoyVersion(): Promise<string> {
  const text = await run(envoyPath(), ["--version"]);
  // envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL
  const [, number, , build] = /version: \S*/.exec(text)?.[0].split("/") ?? [];
  if (number === undefined) throw new Error(`${envoyPath()} --version says ${JSON.stringify(text)}`);
  return build === undefined ? number : `${number} ${build}`;
}
