import type { Explanation } from "@weft/control-plane/explain/explain";
import type { ExplainedVerdict, ExplainedWorkload } from "@weft/control-plane/explain/inbound";
import type { ExplainedRoute } from "@weft/control-plane/explain/outbound";
import { plainText } from "../workbench/print.js";

/** An explanation for people, in the order in which the request meets things. */
export function explanationText({ from, request, decidedBy, route, plugins, destinations }: Explanation): string {
  return [
    `${from} asks ${request.method} ${request.authority}${request.path}`,
    `  plugins of the caller: ${plugins.join(", ") || "none"}`,
    ...routeLines(route, decidedBy),
    ...destinations.flatMap(({ cluster, workloads }) => [
      `to ${cluster}`,
      ...(workloads.length === 0 ? ["  no workload of the mesh stands behind it"] : workloads.flatMap(workloadLines)),
    ]),
  ]
    .map((line) => plainText(line, 1000))
    .join("\n");
}

function routeLines(route: ExplainedRoute, decidedBy: string | undefined): string[] {
  const { virtualHost, name, action, does, doubtful, byPlugin } = route;
  if (virtualHost === undefined) return ["  route: the sidecar knows no such host: 404"];
  const lines = [
    `  host: ${virtualHost}`,
    `  route: ${name ?? "none takes it: 404"}, ${decidedBy === undefined ? "no rule says otherwise" : `of ${decidedBy}`}`,
    ...doubtful.map((other) => `  ? whether route ${other}, before it, takes it cannot be told: see its patterns`),
    ...(byPlugin.length === 0 ? [] : [`  a plugin may choose ${byPlugin.join(", ")} instead`]),
    ...does.map((text) => `    ${text}`),
  ];
  if (action?.kind === "redirect") lines.push("    answers with a redirect");
  if (action?.kind === "respond") lines.push(`    answers ${action.status} itself`);
  if (action?.kind === "forward")
    for (const { cluster, share } of action.destinations)
      lines.push(`    sends ${Math.round(share * 100) / 100} % to ${cluster}`);
  return lines;
}

function workloadLines(workload: ExplainedWorkload): string[] {
  const { passes, mtlsMode, transport, verdicts, authentications, plugins } = workload;
  const sign = passes === undefined ? "?" : passes ? "✓" : "✗";
  const outcome = passes === undefined ? "cannot be told" : passes ? "let through" : "refused";
  if (mtlsMode === undefined) return [`  ${sign} ${workload.workload}: plaintext, no sidecar and so no policy`];
  const refused = mtlsMode === "STRICT" && transport === "plaintext" ? ["    it takes no plaintext"] : [];
  return [
    `  ${sign} ${workload.workload}: ${outcome}; ${transport === "mtls" ? "mutual TLS" : "plaintext"} (${mtlsMode})`,
    ...refused,
    ...(verdicts.length === 0 ? ["    no AuthorizationPolicy"] : verdicts.flatMap(verdictLines)),
    ...(authentications.length === 0
      ? []
      : [`    tokens are checked by ${authentications.join(", ")}: a wrong one is answered with 401`]),
    `    plugins: ${plugins.join(", ") || "none"}`,
  ];
}

function verdictLines({ filter, passes, rule, doubtful }: ExplainedVerdict): string[] {
  const what = filter.replace("weft.authorization.", "");
  const why = rule ?? (doubtful.length > 0 ? "" : `no ${what} rule matches`);
  const verdict = passes === undefined ? "cannot be told" : passes ? "passes" : "refuses";
  return [
    `    ${what}: ${verdict}${why === "" ? "" : `, ${why}`}`,
    ...doubtful.map((other) => `    ? whether ${other} matches depends on what is not known, as a token`),
  ];
}
