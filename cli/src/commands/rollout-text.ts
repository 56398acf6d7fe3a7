import type { RolloutListing } from "@weft/control-plane/rollout-control";
import { formatTable, plainText } from "../workbench/print.js";

const HEAD = ["PLUGIN", "STATE", "STEP", "WEIGHT", "IN FORCE", "CANDIDATE", "NEW/OLD PROXIES", "SINCE"];

/** Rollouts as a table, each with a line that says what comes next, or why it ended. */
export function rolloutText(rollouts: readonly RolloutListing[], nowMs: number): string {
  const rows = rollouts.map((rollout) => {
    const { plugin, state, step, steps, weight, stable, digest, proxies, since } = rollout;
    return [
      plugin,
      state,
      `${step}/${steps}`,
      `${weight}%`,
      shortDigest(stable),
      shortDigest(digest),
      proxies === undefined ? "-" : `${proxies.candidate}/${proxies.stable}`,
      age(since, nowMs),
    ];
  });
  const [head = "", ...lines] = formatTable([HEAD, ...rows], "");
  return [
    head,
    ...lines.flatMap((line, position) => {
      const rollout = rollouts[position];
      return rollout === undefined ? [line] : [line, `  ${wordFor(rollout)}: ${plainText(rollout.message)}`];
    }),
  ].join("\n");
}

function wordFor({ state }: RolloutListing): string {
  return state === "Progressing" || state === "Paused" ? "next" : "why";
}

/** `sha256:1f4de43492f5…` as its first 12 digits. */
function shortDigest(digest: string | undefined): string {
  return digest === undefined ? "-" : digest.replace(/^sha256:/, "").slice(0, 12);
}

/** How long ago: `12s`, `3m`, `5h`, `2d`. */
function age(since: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(since)) / 1000));
  if (Number.isNaN(seconds)) return "-";
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
