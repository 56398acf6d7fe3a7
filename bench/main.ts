import { CommanderError } from "commander";
import { createProgram } from "./program.js";

/* The first signal ends what is measured and what was started for it; a second one ends this process at once. */
const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.once(name, () => interruption.abort(new Error(`ended by ${name}`)));

const common = {
  signal: interruption.signal,
  onProgress: (line: string): void => {
    process.stderr.write(`${line}\n`);
  },
};

/* Each benchmark is imported when it runs. */
const program = createProgram(
  {
    filters: async (options) => (await import("./filters/command.js")).filters({ ...options, ...common }),
    soak: async (options) => (await import("./soak/command.js")).soak({ ...options, ...common }),
    rateLimit: async (options) => (await import("./rate-limit/command.js")).rateLimit({ ...options, ...common }),
    swap: async (options) => (await import("./swap/command.js")).swap({ ...options, ...common }),
    controlPlane: async (options) =>
      (await import("./control-plane/command.js")).controlPlane({ ...options, ...common }),
    mesh: async (options) => (await import("./mesh/command.js")).mesh({ ...options, ...common }),
  },
  (code) => {
    process.exitCode = code;
  },
);

try {
  if (process.argv.length < 3) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // It has written its message itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const isExpected = interruption.signal.aborted || typeof code === "string";
  const reason: unknown = interruption.signal.aborted ? interruption.signal.reason : error;
  console.error(isExpected && reason instanceof Error ? reason.message : reason);
  return code === "WRONG_SELECTION" ? 2 : 1;
}
