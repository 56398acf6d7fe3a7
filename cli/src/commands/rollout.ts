import type { RolloutListing } from "@weft/control-plane/rollout-control";
import { askControlPlaneOf } from "../mesh/control-plane-process.js";
import { MeshError } from "../mesh/mesh-error.js";
import { type OutputFormat, printJson } from "../workbench/print.js";
import { rolloutText } from "./rollout-text.js";

export interface RolloutFlags {
  readonly file: string;
  readonly output: OutputFormat;
}

export type RolloutAction = "pause" | "resume" | "abort";

/** `weft rollout status`: where rollouts stand. Returns the exit code: 1 when the plugin that is named has none. */
export async function rolloutStatus(plugin: string | undefined, flags: RolloutFlags): Promise<number> {
  const all = await askControlPlaneOf<readonly RolloutListing[]>(flags.file, "/rollouts");
  const key = plugin === undefined ? undefined : keyOf(plugin);
  const rollouts = key === undefined ? all : all.filter((rollout) => rollout.plugin === key);
  if (flags.output === "json") printJson(rollouts);
  else if (rollouts.length > 0) console.log(rolloutText(rollouts, Date.now()));
  else console.error(`no version of ${key ?? "any plugin"} was rolled out since it came up`);
  return key !== undefined && rollouts.length === 0 ? 1 : 0;
}

/** `weft rollout pause|resume|abort`. Returns the exit code: 1 when there is nothing to do it to. */
export async function rolloutAct(
  action: RolloutAction,
  plugin: string | undefined,
  flags: RolloutFlags,
): Promise<number> {
  const key = plugin === undefined ? await theOneInProgress(flags.file) : keyOf(plugin);
  const answer = await askControlPlaneOf<{ readonly ok: boolean; readonly message: string }>(
    flags.file,
    `/rollouts/${action}`,
    {
      plugin: key,
    },
  );
  if (flags.output === "json") printJson(answer);
  else if (answer.ok) console.log(answer.message);
  else console.error(answer.message);
  return answer.ok ? 0 : 1;
}

/** Without a name the one that is under way is meant; of several a person has to choose. */
async function theOneInProgress(folder: string): Promise<string> {
  const all = await askControlPlaneOf<readonly RolloutListing[]>(folder, "/rollouts");
  const [first, ...more] = all.filter(({ state }) => state === "Progressing" || state === "Paused");
  if (first === undefined) throw new MeshError("no-rollout", "no rollout is under way");
  if (more.length === 0) return first.plugin;
  const names = [first, ...more].map(({ plugin }) => plugin).join(", ");
  throw new MeshError("no-rollout", `several rollouts are under way; name one of ${names}`);
}

function keyOf(plugin: string): string {
  return plugin.includes("/") ? plugin : `default/${plugin}`;
}
