import type { CorsPolicy } from "../model/http-route.js";
import type { StringMatch } from "../model/string-match.js";
import { readDurationMs } from "./duration.js";
import { type Reader, readBoolean, readList, readObject, readOneOf, readString, refuse } from "./fields.js";
import { readToken } from "./http-header.js";
import { readStringMatch } from "./string-match.js";

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy */
export const readCorsPolicy: Reader<CorsPolicy> = readObject((fields, field) => {
  const origins = fields.optional("allowOrigins", readList(readStringMatch, { max: 100 }));
  const old = fields.optional("allowOrigin", readList(readString(), { max: 100 }));
  const allowMethods = fields.optional("allowMethods", readTokens) ?? [];
  const allowHeaders = fields.optional("allowHeaders", readTokens) ?? [];
  const exposeHeaders = fields.optional("exposeHeaders", readTokens) ?? [];
  const maxAgeMs = fields.optional("maxAge", readDurationMs(0));
  const allowCredentials = fields.optional("allowCredentials", readBoolean);
  const preflights = fields.optional("unmatchedPreflights", readOneOf(["UNSPECIFIED", "FORWARD", "IGNORE"]));
  const allowOrigins = origins ?? (old ?? []).map((value): StringMatch => ({ kind: "exact", value }));
  if (!fields.has("allowOrigins") && !fields.has("allowOrigin"))
    field.problems.warning(
      [...field.path, "allowOrigins"],
      "NeverMatches",
      "names no origin, so the policy allows nothing",
      "name the origins, for example {exact: https://example.com}",
    );
  if (maxAgeMs !== undefined && maxAgeMs % 1000 !== 0)
    refuse(
      { ...field, path: [...field.path, "maxAge"] },
      "InvalidDuration",
      "has parts of a second",
      "use whole seconds",
    );
  return {
    allowOrigins,
    allowMethods,
    allowHeaders,
    exposeHeaders,
    forwardUnmatchedPreflights: preflights !== "IGNORE",
    ...(maxAgeMs !== undefined && { maxAgeSeconds: Math.floor(maxAgeMs / 1000) }),
    ...(allowCredentials !== undefined && { allowCredentials }),
  };
});

const readTokens = readList(readToken, { max: 100 });
