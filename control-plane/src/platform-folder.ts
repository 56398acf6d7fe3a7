import { join } from "node:path";
import type { FolderConfig } from "./config.js";
import { createPluginEventRecorder } from "./event-recorder.js";
import { createIdentityControl } from "./identity-control.js";
import type { Logger } from "./log.js";
import { ALONE, type InForce, type Platform, type StatusStore } from "./platform.js";
import { createFileSource } from "./source/files.js";
import { type InForceRecord, readInForce, readingsOf, writeInForce } from "./source/in-force-file.js";
import { createStatusWriter, readStatuses } from "./status/writer.js";

/** A mesh in a folder: YAML beside it says what there is, and files below `stateDir` what became of it. */
export async function createFolderPlatform(config: FolderConfig, stateDir: string, logger: Logger): Promise<Platform> {
  const inForceFile = join(stateDir, "in-force.json");
  const inForce = await readInForce(inForceFile);
  return {
    source: createFileSource({
      folder: config.folder,
      lastGood: inForce === undefined ? new Map() : readingsOf(inForce),
    }),
    status: await openStatusFolder(stateDir, inForceFile, inForce, logger),
    leadership: ALONE,
    awaitsListeners: true,
    replica: undefined,
    handOverMs: 0,
    followPlugins: () => () => {},
    createIdentity: (options) => createIdentityControl({ ...options, config: config.identity }),
    close: async () => {},
  };
}

async function openStatusFolder(
  stateDir: string,
  inForceFile: string,
  inForce: InForceRecord | undefined,
  logger: Logger,
): Promise<StatusStore> {
  const dir = join(stateDir, "status");
  const { statuses, unreadable } = await readStatuses(dir);
  for (const file of unreadable) logger.warn("a status file cannot be read; it is written anew", { file });
  return {
    statuses,
    virtualServices: inForce?.virtualServices ?? [],
    writer: createStatusWriter(dir),
    events: await createPluginEventRecorder({ file: join(stateDir, "events.json"), statuses }),
    keepInForce: (now) => writeInForce(inForceFile, recordOf(now)),
  };
}

function recordOf({ objects, virtualServices }: InForce): InForceRecord {
  return {
    // What is secret is in the user's own files, and is not copied.
    objects: [...objects.values()]
      .filter(({ object }) => object.kind !== "Secret")
      .map(({ file = "", line = 1, object }) => ({ file, line, object })),
    virtualServices: [...virtualServices.values()],
  };
}
