import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type Row, runCheck } from "../demo/check.js";
import { createDemoContext, type DemoContext } from "../demo/demo-context.js";
import { copyDemo } from "../demo/demo-copy.js";
import { registryDown, restart } from "../demo/fault-checks.js";
import { attachLive, refuseGarbage, refuseTrap, retryRemoved, swap } from "../demo/plugin-checks.js";
import { canary, metrics, mtls, rateLimit, retry, split } from "../demo/traffic-checks.js";
import { interruptSignal, orInterrupted } from "../mesh/interrupt.js";
import { MeshError } from "../mesh/mesh-error.js";
import { publishAll } from "../mesh/plugin-watch.js";
import { startMesh } from "../mesh/standalone-mesh.js";
import { createTerminal, type Terminal } from "../mesh/terminal.js";
import { findTools } from "../mesh/tools.js";
import { whenSynced } from "../mesh/when-synced.js";

export interface DemoOptions {
  readonly plugins: string;
  readonly without: readonly string[];
  readonly output: "table" | "json";
}

/** Checks that change nothing: they can be run on anybody's mesh of the demo. */
export const TOUR = [split, canary, retry, rateLimit, metrics, mtls];
const ALL_CHECKS = [
  split,
  canary,
  retry,
  retryRemoved,
  rateLimit,
  metrics,
  mtls,
  swap,
  attachLive,
  refuseTrap,
  refuseGarbage,
  restart,
  registryDown,
];

/** `weft demo FOLDER`: the whole demonstration on a copy. Returns the exit code. */
export async function demo(folder: string, options: DemoOptions): Promise<number> {
  for (const path of [folder, options.plugins])
    if (!(await stat(path).catch(() => undefined))?.isDirectory())
      throw new MeshError(
        "folder-missing",
        `${path} is not a folder; give the demo's folder, and its plugins with --plugins`,
      );
  for (const plugin of options.without)
    if ((await stat(join(folder, "plugins", `${plugin}.yaml`)).catch(() => undefined)) === undefined)
      throw new MeshError("folder-missing", `--without ${plugin}: ${folder} has no plugins/${plugin}.yaml`);
  // With JSON on standard output, what happens is told on the other one.
  const out = options.output === "json" ? process.stderr : process.stdout;
  const terminal = createTerminal((text) => out.write(text));
  const beganMs = performance.now();
  const copy = await copyDemo(resolve(folder), resolve(options.plugins), options.without);
  terminal.step("demo", `on a copy in ${copy.root}`);
  const signal = interruptSignal();
  const undo = [copy.remove];
  let rows: readonly Row[];
  try {
    const mesh = await startMesh({
      folder: copy.folder,
      trustDomain: "cluster.local",
      registryPort: copy.registryPort,
      tagPollMs: 300,
      ...findTools(),
      signal,
      onEvent: terminal.event,
      beforeStart: async (publisher) => {
        await publishAll(publisher, copy.pluginsDir, terminal, signal);
      },
    });
    undo.push(mesh.stop);
    const context = createDemoContext(mesh, copy.pluginsDir);
    await orInterrupted(
      whenSynced(mesh).then(() => pluginsInForce(context)),
      signal,
    );
    terminal.step("ready", `first request after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
    rows = await orInterrupted(runAll(ALL_CHECKS, context, terminal), signal);
  } finally {
    for (const end of undo.reverse()) await end();
  }
  const passed = rows.filter(({ ok }) => ok).length;
  if (options.output === "json") process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
  else process.stdout.write(`\n${table(rows)}\n\n${passed} passed, ${rows.length - passed} failed\n`);
  return passed === rows.length ? 0 : 1;
}

/** Waits until every plugin that the folder attaches is in force. */
export async function pluginsInForce(context: DemoContext): Promise<void> {
  for (const file of await readdir(join(context.mesh.folder, "plugins")))
    if (file.endsWith(".yaml")) await context.condition(basename(file, ".yaml"), "Programmed", "True");
}

export async function runAll(
  checks: readonly (typeof ALL_CHECKS)[number][],
  context: DemoContext,
  terminal: Terminal,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const check of checks) {
    const row = await runCheck(check, context);
    (row.ok ? terminal.step : terminal.problem)(row.name, row.observed);
    rows.push(row);
  }
  return rows;
}

function table(rows: readonly Row[]): string {
  const lines = [
    ["check", "expected", "observed", "ok"],
    ...rows.map(({ name, expected, observed, ok }) => [name, expected, observed, ok ? "ok" : "NOT OK"]),
  ];
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map(([name = "", expected = "", observed = "", ok = ""]) =>
      [name.padEnd(widths[0] ?? 0), expected.padEnd(widths[1] ?? 0), ok.padEnd(6), observed].join("  "),
    )
    .join("\n");
}
