import type { GatewayRoute, GatewayRule } from "../model/gateway-route.js";
import type { HttpMatch, UriMatch } from "../model/http-route.js";
import { type Reader, readList, readObject, readOneOf, readString, refuse } from "./fields.js";
import { quoted, readGrpcFilters } from "./gateway-filters.js";
import { readRoute } from "./gateway-route.js";
import { readHeaderMatches } from "./http-route-object.js";
import type { Metadata } from "./metadata.js";
import { readDnsSubdomain } from "./names.js";
import { readRegex } from "./string-match.js";
import { readBackends } from "./weighted-backends.js";

const MAX_RULES = 16;
const MAX_MATCHES = 64;

/** A gateway.networking.k8s.io GRPCRoute: https://gateway-api.sigs.k8s.io/reference/spec/#grpcroute */
export function readGrpcRoute(metadata: Metadata): Reader<GatewayRoute> {
  const readRules = readList(readRule(metadata.namespace), { max: MAX_RULES });
  return readRoute("GRPCRoute", metadata, (fields) => fields.optional("rules", readRules) ?? []);
}

function readRule(namespace: string): Reader<GatewayRule> {
  return readObject((fields): GatewayRule => {
    fields.unsupported({ sessionPersistence: "use a DestinationRule with consistentHash.httpHeaderName" });
    const name = fields.optional("name", readDnsSubdomain);
    const matches = fields.optional("matches", readList(readMatch, { max: MAX_MATCHES })) ?? [];
    const filters = fields.optional("filters", readGrpcFilters(namespace)) ?? { mirrors: [] };
    const backends = fields.optional("backendRefs", readBackends(namespace)) ?? [];
    return {
      ...filters,
      matches: matches.length === 0 ? [{ uri: { kind: "prefix", value: "/" }, headers: [], queryParams: [] }] : matches,
      action: { kind: "forward", backends },
      ...(name !== undefined && { name }),
    };
  });
}

const readMatch: Reader<HttpMatch> = readObject((fields) => {
  const uri = fields.optional("method", readMethod) ?? { kind: "prefix", value: "/" };
  const headers = fields.optional("headers", readHeaderMatches) ?? [];
  return { uri, headers, queryParams: [] };
});

/** A call of gRPC is a POST to `/<service>/<method>`: https://gateway-api.sigs.k8s.io/reference/spec/#grpcmethodmatch */
const readMethod: Reader<UriMatch> = readObject((fields, field) => {
  const type = fields.optional("type", readOneOf(["Exact", "RegularExpression"])) ?? "Exact";
  const readName = type === "Exact" ? readGrpcName : readRegex;
  const service = fields.optional("service", readName);
  const method = fields.optional("method", readName);
  if (!fields.has("service") && !fields.has("method"))
    return refuse(field, "MissingField", "names neither service nor method", "name one of them");
  if (type === "Exact") {
    if (service !== undefined && method !== undefined) return { kind: "exact", value: `/${service}/${method}` };
    if (service !== undefined) return { kind: "prefix", value: `/${service}/` };
    return method === undefined ? undefined : { kind: "regex", value: `/[^/]+/${quoted(method)}` };
  }
  return { kind: "regex", value: `/(?:${service ?? "[^/]+"})/(?:${method ?? "[^/]+"})` };
});

const readGrpcName: Reader<string> = (field) => {
  const name = readString(1024)(field);
  if (name === undefined || /^[A-Za-z_][A-Za-z0-9_.]*$/.test(name)) return name;
  return refuse(
    field,
    "InvalidName",
    "is not a name of gRPC",
    "write it as in the .proto file, for example shop.v1.Cart",
  );
};
