import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { serveParent } from "./child.js";
import { type Load, type LoadReport, type LoadTarget, startLoad } from "./load.js";

/** The apps behind the real sidecars, and the load on them, for `startChild`. */
export interface LoadMethods {
  /** Starts so many apps, on 127.0.0.1; returns their ports. */
  apps(count: number): Promise<number[]>;
  start(options: {
    readonly targets: readonly LoadTarget[];
    readonly connections: number;
    readonly rate: number;
  }): void;
  /** From now on only what is answered now counts, and this version is the new one. */
  mark(version: string): void;
  report(argument: undefined): LoadReport;
}

let load: Load | undefined;

function running(): Load {
  if (load === undefined) throw new Error("there is no load yet");
  return load;
}

async function startApp(): Promise<number> {
  const server = createServer((_, response) => response.end("ok\n"));
  // A connection that is closed while a sidecar sends on it would fail a request.
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

serveParent<LoadMethods>({
  apps: (count) => Promise.all(Array.from({ length: count }, startApp)),
  start: (options) => {
    load = startLoad(options);
  },
  mark: (version) => running().mark(version),
  report: () => running().report(),
});
