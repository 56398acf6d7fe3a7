import { deleteBlob, getBlob } from "./blobs.js";
import { ApiError } from "./errors.js";
import { type Exchange, sendJson } from "./exchange.js";
import { type Guard, TOKEN_PATH } from "./guard.js";
import { deleteManifest, getManifest, putManifest } from "./manifests.js";
import { getReferrers } from "./referrers.js";
import { matchRoute, type Route } from "./routes.js";
import { getTags } from "./tags.js";
import { beginUpload, deleteUpload, getUpload, patchUpload, putUpload } from "./uploads.js";

type Handler = (exchange: Exchange) => Promise<void>;

/** Finds out what a request is for, and does it if the guard lets it. Throws ApiError for what ends in an error. */
export async function dispatch(incoming: Omit<Exchange, "query" | "mayPull">, guard: Guard | undefined): Promise<void> {
  const { request } = incoming;
  const [path = "", search = ""] = splitOnce(request.url ?? "/", "?");
  const query = new URLSearchParams(search);
  if (path === TOKEN_PATH && request.method === "GET") {
    const issued = await guard?.issue(request, query);
    if (issued !== undefined) {
      sendJson(incoming, 200, issued, { "Cache-Control": "no-store" });
      return;
    }
  }
  const route = matchRoute(decodePath(path));
  if (route === undefined) throw new ApiError(404, "UNSUPPORTED", `${path} is not part of the API`);
  const mayPull = guard === undefined ? () => true : await guard.admit(request, route);
  const handlers = handlersOf(route);
  const handler = handlers[request.method ?? ""];
  if (handler === undefined) {
    const allow = Object.keys(handlers).sort().join(", ");
    throw new ApiError(405, "UNSUPPORTED", `${request.method} is not possible here`, { Allow: allow });
  }
  await handler({ ...incoming, query, mayPull });
}

/** The methods of a route. */
function handlersOf(route: Route): Readonly<Record<string, Handler>> {
  switch (route.kind) {
    case "base": {
      const get: Handler = async (exchange) => sendJson(exchange, 200, {});
      return { GET: get, HEAD: get };
    }
    case "uploads":
      return { POST: (exchange) => beginUpload(exchange, route.name) };
    case "upload": {
      const { name, id } = route;
      return {
        GET: (exchange) => getUpload(exchange, name, id),
        PATCH: (exchange) => patchUpload(exchange, name, id),
        PUT: (exchange) => putUpload(exchange, name, id),
        DELETE: (exchange) => deleteUpload(exchange, name, id),
      };
    }
    case "blob": {
      const get: Handler = (exchange) => getBlob(exchange, route.name, route.digest);
      return { GET: get, HEAD: get, DELETE: (exchange) => deleteBlob(exchange, route.name, route.digest) };
    }
    case "manifest": {
      const { name, reference } = route;
      const get: Handler = (exchange) => getManifest(exchange, name, reference);
      return {
        GET: get,
        HEAD: get,
        PUT: (exchange) => putManifest(exchange, name, reference),
        DELETE: (exchange) => deleteManifest(exchange, name, reference),
      };
    }
    case "tags":
      return { GET: (exchange) => getTags(exchange, route.name) };
    case "referrers":
      return { GET: (exchange) => getReferrers(exchange, route.name, route.digest) };
    default:
      return route satisfies never;
  }
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new ApiError(404, "NAME_INVALID", "the path is not valid percent-encoding");
  }
}
