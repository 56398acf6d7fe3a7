import { formatTable, plainText } from "./print.js";

/** One plugin of a mesh, as its status file has it. */
export interface PluginRow {
  readonly namespace: string;
  readonly name: string;
  /** Where in the chain it runs; absent while that is not known. */
  readonly phase?: string;
  /** Of the image that is wanted now. */
  readonly digest?: string;
  /** Of the module that proxies run. */
  readonly servedSha256?: string;
  readonly proxies?: {
    readonly matched: number;
    readonly acked: number;
    readonly rejected: number;
    readonly lastError?: string;
  };
  readonly rollout?: Readonly<Record<string, unknown>>;
  readonly conditions: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason: string;
    readonly message: string;
  }[];
}

const DIGEST_LENGTH = 12;

/**
 * A table with a line for each plugin, and below each that is not as it should be, why not. Conditions that are as they
 * should be are not named: all of them are `ok`.
 */
export function pluginTable(plugins: readonly PluginRow[]): string[] {
  const hasRollout = plugins.some(({ rollout }) => rollout !== undefined);
  const head = [
    "PLUGIN",
    "PHASE",
    "DIGEST",
    "MATCHED",
    "ACKED",
    "REJECTED",
    ...(hasRollout ? ["ROLLOUT"] : []),
    "STATE",
  ];
  const [header = "", ...lines] = formatTable([head, ...plugins.map((plugin) => cells(plugin, hasRollout))], "");
  return [header, ...lines.flatMap((line, i) => [line, ...reasons(plugins[i] as PluginRow)])];
}

function cells(
  { namespace, name, phase, digest, proxies, rollout, conditions }: PluginRow,
  hasRollout: boolean,
): string[] {
  const counts =
    proxies === undefined ? ["-", "-", "-"] : [proxies.matched, proxies.acked, proxies.rejected].map(String);
  const problems = conditions.filter((condition) => !isWell(condition));
  const state = problems.map(({ type, status }) => `${type}=${status}`).join(" ");
  return [
    plainText(`${namespace}/${name}`),
    plainText(phase ?? "-"),
    plainText((digest ?? "-").replace(/^sha256:/, "").slice(0, DIGEST_LENGTH)),
    ...counts,
    ...(hasRollout ? [rolloutText(rollout)] : []),
    plainText(conditions.length === 0 ? "no status" : state === "" ? "ok" : state),
  ];
}

/** What is wrong, in the words of the conditions; the first failure explains those that only wait for it. */
function reasons({ conditions, rollout }: PluginRow): string[] {
  const problems = conditions.filter((condition) => !isWell(condition));
  const failed = problems.filter(({ status }) => status !== "Unknown");
  const told = (failed.length > 0 ? failed : problems.slice(0, 1)).map(
    ({ type, reason, message }) =>
      `    ${plainText(`${type}: ${reason}${message === "" ? "" : `: ${message}`}`, 1000)}`,
  );
  return [...told, ...rolloutReasons(rollout)];
}

/** Degraded is the one condition that is good when it is False. */
function isWell({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return status === (type === "Degraded" ? "False" : "True");
}

/** `Progressing 2/3 25%`; only what is there, for the status may be of another version. */
function rolloutText(rollout: Readonly<Record<string, unknown>> | undefined): string {
  if (rollout === undefined) return "-";
  const { state, step, steps, weight } = rollout;
  const place = step === undefined ? "" : ` ${step}${steps === undefined ? "" : `/${steps}`}`;
  return plainText(`${state ?? ""}${place}${weight === undefined ? "" : ` ${weight}%`}`.trim(), 80);
}

/** What is waited for, or why it went back; one that is complete needs no words. */
function rolloutReasons(rollout: Readonly<Record<string, unknown>> | undefined): string[] {
  const { state, message } = rollout ?? {};
  if (typeof message !== "string" || message === "" || state === "Completed") return [];
  return [`    ${plainText(`Rollout: ${state}: ${message}`, 1000)}`];
}
