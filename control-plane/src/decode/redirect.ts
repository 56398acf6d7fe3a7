import type { Redirect } from "../model/http-route.js";
import { readAuthority, readRequestPath } from "./authority.js";
import { type Field, type Reader, readInteger, readObject, readOneOf, readPort, refuse } from "./fields.js";

const STATUSES = [301, 302, 303, 307, 308] as const;

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect */
export const readRedirect: Reader<Redirect> = readObject((fields, field) => {
  const uri = fields.optional("uri", readRequestPath);
  const authority = fields.optional("authority", readAuthority);
  const scheme = fields.optional("scheme", readOneOf(["http", "https"]));
  const number = fields.optional("port", readPort);
  const derived = fields.optional("derivePort", readOneOf(["FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"]));
  const status = fields.optional("redirectCode", readRedirectStatus) ?? 301;
  if (fields.has("port") && fields.has("derivePort"))
    refuse(field, "Conflict", "has port and derivePort", "keep one of them");
  if (!["uri", "authority", "scheme", "port", "derivePort"].some((name) => fields.has(name)))
    return refuse(field, "InvalidValue", "changes nothing", "give uri, authority, scheme or port");
  const port = number ?? (derived && (derived === "FROM_REQUEST_PORT" ? "request" : "scheme"));
  return {
    status,
    ...(uri !== undefined && { path: { kind: "full", value: uri } }),
    ...(authority !== undefined && { authority }),
    ...(scheme !== undefined && { scheme }),
    ...(port !== undefined && { port }),
  };
});

/** The codes of both dialects are those that Envoy has for a redirect. */
export function readRedirectStatus(field: Field): Redirect["status"] | undefined {
  const code = readInteger(300, 399)(field);
  const status = STATUSES.find((candidate) => candidate === code);
  if (code === undefined || status !== undefined) return status;
  return refuse(
    field,
    "InvalidValue",
    `is ${code}, with which Envoy does not redirect`,
    `use one of ${STATUSES.join(", ")}`,
  );
}
