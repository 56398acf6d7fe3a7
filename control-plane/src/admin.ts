import { chmod, mkdir, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { dirname } from "node:path";

/** Answers for `weft` commands on this machine: a path, and the value that is sent as JSON. */
export type AdminRoutes = Readonly<Record<string, () => unknown>>;

/** What can be done by POST: a path, and what is done with the JSON of the request. */
export type AdminActions = Readonly<Record<string, AdminAction>>;

type Outcome = { readonly ok: boolean };
type AdminAction = (body: unknown) => Outcome | Promise<Outcome>;

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Serves state, and takes orders, over a Unix socket that only its owner can open, so that no port and no token are
 * needed. Returns how to end it.
 */
export async function serveAdmin(
  socketPath: string,
  routes: AdminRoutes,
  actions: AdminActions = {},
): Promise<() => Promise<void>> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o700 });
  // What a killed predecessor left would keep us from listening; a living one is found out by the xDS port.
  await rm(socketPath, { force: true });
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    const route = request.method === "GET" && Object.hasOwn(routes, path) ? routes[path] : undefined;
    const action = request.method === "POST" && Object.hasOwn(actions, path) ? actions[path] : undefined;
    if (route !== undefined) answer(response, 200, route());
    else if (action !== undefined) void act(request, response, action);
    else {
      const paths = [...Object.keys(routes), ...Object.keys(actions).map((name) => `POST ${name}`)];
      answer(response, 404, { error: `no such path; there are ${paths.join(", ")}` });
    }
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

async function act(request: IncomingMessage, response: ServerResponse, action: AdminAction): Promise<void> {
  let text = "";
  try {
    for await (const part of request.setEncoding("utf8")) {
      text += part;
      if (text.length > MAX_BODY_BYTES)
        return answer(response, 413, { ok: false, message: "the request is too large" });
    }
  } catch {
    // Who asked is gone.
    return;
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return answer(response, 400, { ok: false, message: "the request is not JSON" });
  }
  try {
    const result = await action(body);
    answer(response, result.ok ? 200 : 409, result);
  } catch (error) {
    answer(response, 500, { ok: false, message: error instanceof Error ? error.message : String(error) });
  }
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}
