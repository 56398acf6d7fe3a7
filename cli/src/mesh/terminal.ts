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
      const { level, message, kind, proxies, rejected, tookMs } = event.event;
      if (kind === "applied") {
        const refused = Number(rejected) > 0 ? `, refused by ${rejected}` : "";
        return step(
          "applied",
          `${message}: ${proxies} ${proxies === 1 ? "proxy" : "proxies"} in ${tookMs} ms${refused}`,
        );
      }
      if (kind === "ready") return;
      if (level !== "info") return problem("control-plane", message);
      if (kind === "diagnostic") step("control-plane", message);
    },
  };
}
