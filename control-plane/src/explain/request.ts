/** A request as Envoy sees it after it has made the path plain. */
export interface Request {
  readonly method: string;
  readonly scheme: string;
  /** As the caller writes it, with or without port. */
  readonly authority: string;
  /** With its query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The value of a header, of a pseudo-header too. */
export function headerOf({ method, scheme, authority, path, headers }: Request, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case ":method":
      return method;
    case ":scheme":
      return scheme;
    case ":authority":
    case "host":
      return authority;
    case ":path":
      return path;
    default:
      return headers[name.toLowerCase()];
  }
}

/** The path without query and fragment. */
export function pathOnly({ path }: Pick<Request, "path">): string {
  return path.split(/[?#]/, 1)[0] ?? "";
}

/** Parameters of the query as they are written; of several of a name the first. */
export function queryOf({ path }: Pick<Request, "path">): ReadonlyMap<string, string> {
  const start = path.indexOf("?");
  const found = new Map<string, string>();
  if (start < 0) return found;
  for (const part of (path.slice(start + 1).split("#", 1)[0] ?? "").split("&")) {
    const [name = "", ...value] = part.split("=");
    if (name !== "" && !found.has(name)) found.set(name, value.join("="));
  }
  return found;
}

/**
 * What Envoy makes of a path before it looks at it, as our listeners ask it to: `normalize_path` and `merge_slashes`.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/api-v3/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto
 */
export function normalizedPath(path: string): string {
  const end = path.search(/[?#]/);
  const [plain, rest] = end < 0 ? [path, ""] : [path.slice(0, end), path.slice(end)];
  const decoded = plain.replaceAll("\\", "/").replace(/%([\da-f]{2})/gi, (text, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(char) ? char : text;
  });
  const kept: string[] = [];
  const segments = decoded.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === "..") kept.pop();
    else if (segment !== "." && (segment !== "" || isLast)) kept.push(segment);
    if (isLast && (segment === "." || segment === "..")) kept.push("");
  }
  return `/${kept.join("/")}${rest}`;
}
