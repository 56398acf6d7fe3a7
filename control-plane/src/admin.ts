import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname } from "node:path";

/** Answers for `weft` commands on this machine: a path, and the value that is sent as JSON. */
export type AdminRoutes = Readonly<Record<string, () => unknown>>;

/**
 * Serves read-only state over a Unix socket that only its owner can open, so that no port and no token are needed.
 * Returns how to end it.
 */
export async function serveAdmin(socketPath: string, routes: AdminRoutes): Promise<() => Promise<void>> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 });
  // What a killed predecessor left would keep us from listening; a living one is found out by the xDS port.
  await rm(socketPath, { force: true });
  const server = createServer((request, response) => {
    const route = request.method === "GET" ? routes[request.url ?? ""] : undefined;
    response.setHeader("content-type", "application/json");
    if (route === undefined) {
      response.statusCode = 404;
      response.end(JSON.stringify({ error: `no such path; there are ${Object.keys(routes).join(", ")}` }));
      return;
    }
    response.end(JSON.stringify(route()));
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(socketPath, done);
  });
  await chmod(socketPath, 0o600);
  return async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await rm(socketPath, { force: true });
  };
}
