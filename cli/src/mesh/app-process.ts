import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Workload } from "@weft/control-plane/model/workload";
import { OUTBOUND_PORT } from "@weft/control-plane/translate/names";
import { type GuardedProcess, startGuarded } from "./guarded-process.js";

/** An app's log starts anew beyond it. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;

/**
 * Starts the command of a workload. It is told where to listen (`PORT`, or `PORT_<NAME>` for each named port) and
 * where to send its requests (`WEFT_OUTBOUND`, also as `http_proxy`); its output goes to a file.
 */
export async function startApp(
  workload: Workload,
  command: string,
  { folder, logDir, onExit }: { folder: string; logDir: string; onExit: (how: string) => void },
): Promise<GuardedProcess> {
  await mkdir(logDir, { recursive: true });
  const log = join(logDir, `${workload.namespace}.${workload.name}.log`);
  await writeFile(log, "");
  const outbound = `http://${workload.address}:${OUTBOUND_PORT}`;
  const ports = Object.entries(workload.ports);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    http_proxy: outbound,
    WEFT_OUTBOUND: outbound,
    WEFT_WORKLOAD: `${workload.namespace}/${workload.name}`,
    ...Object.fromEntries(
      ports.map(([name, port]) => [`PORT_${name.toUpperCase().replaceAll("-", "_")}`, String(port)]),
    ),
  };
  const [first] = ports;
  if (first !== undefined) env.PORT = String(first[1]);
  let written: Promise<void> = Promise.resolve();
  let bytes = 0;
  const app = await startGuarded(["/bin/sh", "-c", command], {
    cwd: folder,
    env,
    onLine: (line) => {
      const first = bytes === 0 || bytes > MAX_LOG_BYTES;
      bytes = (first ? 0 : bytes) + line.length + 1;
      // What is lost of an app's output is the app's log's loss: the mesh goes on.
      written = written.then(() => (first ? writeFile : appendFile)(log, `${line}\n`)).catch(() => undefined);
    },
  });
  void app.ended.then(onExit);
  return app;
}
