import type { ConnectedProxy, MeshReport } from "@weft/control-plane/mesh-report";
import type { ProxyTypeStatus } from "@weft/control-plane/proxy-status";
import { formatTable, plainText } from "../workbench/print.js";
import { duration } from "./duration-text.js";

/** What a proxy is, in one word. `updating`: news are on their way, and not for long. */
export type SyncState = "in-sync" | "updating" | "stale" | "refused";

/** News that are under way longer than this are late. */
const UPDATING_MS = 5_000;

export function syncState({ types }: Pick<ConnectedProxy, "types">, nowMs: number): SyncState {
  const late = types.filter(({ state }) => state !== "synced");
  if (late.some(({ state }) => state === "refused")) return "refused";
  if (late.length === 0) return "in-sync";
  return late.every(({ staleSince }) => age(staleSince, nowMs) < UPDATING_MS) ? "updating" : "stale";
}

const age = (time: string | undefined, nowMs: number) => (time === undefined ? 0 : nowMs - Date.parse(time));

/** Whether somebody should do something. */
export function isWrong(report: MeshReport, nowMs: number): boolean {
  const states = report.proxies.map((proxy) => syncState(proxy, nowMs));
  return (
    states.some((state) => state === "stale" || state === "refused") ||
    report.absent.length > 0 ||
    report.warnings.some(({ severity }) => severity === "error")
  );
}

/** The report for people. */
export function meshStatusText(report: MeshReport, nowMs: number): string {
  const { controlPlane, proxies, absent, warnings } = report;
  const inSync = proxies.filter((proxy) => syncState(proxy, nowMs) === "in-sync").length;
  return [
    `control plane  process ${controlPlane.pid}, xDS on ${controlPlane.xds}, up ${duration(nowMs - controlPlane.startedAtMs)}`,
    `proxies        ${inSync} of ${proxies.length + absent.length} in sync`,
    "",
    ...formatTable(
      [
        ["PROXY", "STATE", "CONNECTED", "SERVICES", "ON DEMAND", "CERTIFICATE"],
        ...proxies.map((proxy) => proxyCells(proxy, nowMs)),
        ...absent.map(({ proxy, goneAtMs }) => [
          plainText(proxy),
          "absent",
          goneAtMs === undefined ? "never" : `left ${duration(nowMs - goneAtMs)} ago`,
          "-",
          "-",
          "-",
        ]),
      ],
      "",
    ),
    ...section([...proxies.flatMap((proxy) => troubles(proxy, nowMs)), ...absent.map(absentText)]),
    ...section(report.handovers.flatMap((handover) => handoverTexts(handover, nowMs))),
    ...section(
      warnings.map(
        ({ severity, certificate, message, hint }) =>
          `${severity === "error" ? "✗" : "!"} ${plainText(certificate)}: ${plainText(message)}\n  Fix: ${plainText(hint)}`,
      ),
    ),
  ].join("\n");
}

const section = (lines: readonly string[]) => (lines.length === 0 ? [] : ["", ...lines]);

function proxyCells(proxy: ConnectedProxy, nowMs: number): string[] {
  const { scope, certificateEndsMs: ends } = proxy;
  return [
    plainText(proxy.proxy),
    syncState(proxy, nowMs).replace("-", " "),
    duration(age(proxy.connectedAt, nowMs)),
    scope === undefined ? "-" : `${scope.services}/${scope.reachable}`,
    scope === undefined ? "-" : String(scope.onDemand.length),
    ends === undefined ? "-" : ends <= nowMs ? "ended" : `ends in ${duration(ends - nowMs)}`,
  ];
}

/** What is behind and why, and what was refused last, even when it is mended. */
function troubles(proxy: ConnectedProxy, nowMs: number): string[] {
  const name = plainText(proxy.proxy);
  const isBrief = syncState(proxy, nowMs) === "updating";
  return proxy.types.flatMap((type) => {
    const behind = type.state === "synced" || isBrief ? [] : [`✗ ${name}: ${staleText(type, nowMs)}`];
    const refused = refusalText(type, nowMs);
    if (refused === undefined) return behind;
    return [...behind, type.state === "synced" ? `- ${name}: ${refused}; it has something else now` : `  ${refused}`];
  });
}

function refusalText({ type, lastNack }: ProxyTypeStatus, nowMs: number): string | undefined {
  if (lastNack === undefined) return undefined;
  const { at, names, message } = lastNack;
  const some = `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`;
  return `refused ${type} ${plainText(some)} ${duration(age(at, nowMs))} ago: ${plainText(message)}`;
}

function staleText({ type, staleSince, state }: ProxyTypeStatus, nowMs: number): string {
  const since =
    staleSince === undefined ? "is stale" : `stale since ${staleSince} (${duration(age(staleSince, nowMs))})`;
  return state === "refused"
    ? `${type} ${since}: it refused what it should have, and goes on with what it had`
    : `${type} ${since}: it does not answer; see whether its Envoy runs, and its log`;
}

function absentText({ proxy, goneAtMs }: MeshReport["absent"][number]): string {
  const what = goneAtMs === undefined ? "no sidecar came" : "its sidecar is gone";
  return `✗ ${plainText(proxy)}: ${what}; start it (weft up does, or weft sidecar), or set weft.mesh/inject: "false" if it has none`;
}

/** Which callers do not know yet, and what they do not know. */
function handoverTexts(handover: MeshReport["handovers"][number], nowMs: number): string[] {
  const { workload, joining, leaving, waitingFor, sinceMs } = handover;
  const since = `(${duration(nowMs - sinceMs)})`;
  const some = (names: readonly string[]) =>
    plainText(`${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`);
  const callers = waitingFor.length === 0 ? "" : `, until ${some(waitingFor)} know`;
  return [
    ...(joining.length === 0
      ? []
      : [`! ${plainText(workload)}: callers of ${some(joining)} are told of it when its sidecar listens ${since}`]),
    ...(leaving.length === 0
      ? []
      : [
          `- ${plainText(workload)}: it has left ${some(leaving)}, and its sidecar still listens there${callers} ${since}`,
        ]),
  ];
}

/** `2 of 3 proxies are in sync`, for checks. */
export function syncSummary({ proxies, absent }: MeshReport, nowMs: number): string {
  const wrong = [
    ...proxies.flatMap((proxy) => {
      const state = syncState(proxy, nowMs);
      return state === "stale" || state === "refused" ? [`${proxy.proxy} ${state}`] : [];
    }),
    ...absent.map(({ proxy }) => `${proxy} absent`),
  ];
  return wrong.length === 0
    ? `${proxies.length} ${proxies.length === 1 ? "proxy" : "proxies"} in sync`
    : wrong.join(", ");
}
