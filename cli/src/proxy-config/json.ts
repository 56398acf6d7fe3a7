/**
 * Envoy's admin API answers with JSON of messages that grow from version to version. What is read of it is read so that
 * a part which is not there, or is not what it was, is shown as missing and stops nothing.
 */
export type Json = unknown;

/** What is at the end of a path of names and positions; undefined where the path ends early. */
export function at(value: Json, ...path: readonly (string | number)[]): Json {
  let current = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string | number, Json>)[step];
  }
  return current;
}

/** The items of a list; none where there is no list. */
export function items(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** A string or a number as text; "" for anything else. */
export function text(value: Json): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** The name of a message's type at the end of its URL: `TcpProxy`. */
export function typeName(any: Json): string {
  return (text(at(any, "@type")).split(".").at(-1) ?? "").split("/").at(-1) ?? "";
}

/** `10.0.0.1:80`, or the path of a pipe. */
export function addressText(address: Json): string {
  const host = text(at(address, "socket_address", "address"));
  if (host !== "") {
    const port = text(at(address, "socket_address", "port_value"));
    return `${host.includes(":") ? `[${host}]` : host}:${port}`;
  }
  const pipe = text(at(address, "pipe", "path"));
  return pipe === "" ? text(at(address, "envoy_internal_address", "server_listener_name")) : pipe;
}
