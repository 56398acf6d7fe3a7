import type { MeshEvent } from "./standalone-mesh.js";

/** Tells a person what happens: `what   text`, one line an event. */
export interface Terminal {
  step(subject: string, message: string): void;
  problem(subject: string, message: string): void;
  event(event: MeshEvent): void;
}

export function createTerminal(write: (text: string) => void): Terminal {
  const line = (subject: string, message: string, mark = " ") =>
    write(`${mark} ${subject.padEnd(14)} ${message.replaceAll("\n", `\n${" ".repeat(17)}`)}\n`);
  const step = (subject: string, message: string) => line(subject, message);
  const problem = (subject: string, message: string) => line(subject, message, "!");
  return {
    step,
    problem,
    event(event) {
      if (event.kind === "step") return step(event.subject, event.message);
      if (event.kind === "problem") return problem(event.subject, event.message);
      const { level, message, kind, proxies, rejected, tookMs, proxy } = event.event;
      if (kind === "applied") {
        const refused = Number(rejected) > 0 ? `, refused by ${rejected}` : "";
        return step(
          "applied",
          `${message}: ${proxies} ${proxies === 1 ? "proxy" : "proxies"} in ${tookMs} ms${refused}`,
        );
      }
      if (kind === "ready") return;
      if (kind === "rollout") return (level === "info" ? step : problem)("rollout", message);
      if (level !== "info")
        return typeof proxy === "string"
          ? problem(`sidecar ${proxy}`, portInUse(message) ?? message.trim())
          : problem("control-plane", message);
      if (kind === "diagnostic") step("control-plane", message);
    },
  };
}

/** Envoy's refusal of a listener whose port is taken, in our words; undefined for any other refusal. */
function portInUse(message: string): string | undefined {
  const [, listener, address] =
    /listener\(s\) (\S+): cannot bind '([^']+)': Address already in use/.exec(message) ?? [];
  if (listener === undefined || address === undefined) return undefined;
  return `the sidecar wants ${address} for its listener ${listener}, but a process listens there already: end it (ss -ltnp shows it), then start the mesh again`;
}
