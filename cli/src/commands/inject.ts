import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { text as readStream } from "node:stream/consumers";
import type { ObjectOutcome } from "@weft/control-plane/injection/inject-object";
import { type InjectionSettings, injectionSettings } from "@weft/control-plane/injection/injection-settings";
import { formatDiagnostic } from "@weft/control-plane/model/diagnostic";
import { formatObjectRef } from "@weft/control-plane/model/object-ref";
import { injectManifests } from "../injection/inject-manifests.js";
import { readInjectionSettings, readText } from "../injection/read-settings.js";
import { printJson } from "../workbench/print.js";

export interface InjectFlags {
  readonly file: readonly string[];
  readonly namespace: string;
  readonly settings?: string;
  readonly initImage?: string;
  readonly proxyImage?: string;
  readonly captureDns?: boolean;
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly output: "yaml" | "json";
}

/**
 * `weft inject`: manifests with sidecars, to standard output; what became of each object, to standard error. Returns the
 * exit code: 1 when an object was refused, and then no manifest is printed, so that a pipe applies nothing.
 *
 * @throws ManifestError
 */
export async function injectCommand(flags: InjectFlags): Promise<number> {
  const settings = settingsOf(flags);
  const createToken = () => randomBytes(16).toString("hex");
  const injected = [];
  for (const file of flags.file) {
    const source = file === "-" ? "standard input" : file;
    const text = file === "-" ? await readStream(process.stdin) : readText(file);
    injected.push(injectManifests(text, source, { settings, namespace: flags.namespace, createToken }));
  }
  const outcomes = injected.flatMap((one) => one.outcomes);
  for (const outcome of outcomes) for (const line of linesOf(outcome)) console.error(line);
  if (outcomes.length === 0) console.error("no object has a pod, or a template of one: nothing is injected");
  if (outcomes.some(({ result }) => result === "refused")) return 1;
  if (flags.output === "json")
    printJson({ apiVersion: "v1", kind: "List", items: injected.flatMap(({ objects }) => objects) });
  else process.stdout.write(joined(injected.map(({ text }) => text)));
  return 0;
}

function linesOf({ ref, result, reason, diagnostics }: ObjectOutcome): readonly string[] {
  const name = formatObjectRef(ref);
  const told = diagnostics.map((one) => `${one.severity}: ${formatDiagnostic(one)}`);
  if (result === "refused") return told;
  return [result === "skipped" ? `${name}: skipped, ${reason}` : `${name}: injected`, ...told];
}

/** Several files, each a text of documents. */
function joined(texts: readonly string[]): string {
  const ended = texts.map((text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`));
  return ended.map((text, i) => (i === 0 || text.startsWith("---") ? text : `---\n${text}`)).join("");
}

function settingsOf(flags: InjectFlags): InjectionSettings {
  const { settings: file, trustDomain, rootNamespace, initImage, proxyImage, captureDns } = flags;
  const fixed = { trustDomain, rootNamespace };
  const written =
    file === undefined
      ? injectionSettings({ ...fixed, initImage: `weft-init:${version()}` })
      : readInjectionSettings(file, fixed);
  return {
    ...written,
    ...(initImage === undefined ? {} : { initImage }),
    ...(captureDns === undefined ? {} : { captureDns }),
    ...(proxyImage === undefined ? {} : { proxy: { ...written.proxy, image: proxyImage } }),
  };
}

/** Images go by the version of this command. */
function version(): string {
  const { version: own } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return own;
}
