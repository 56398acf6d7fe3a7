import type { HeaderChanges, HeaderOperations, HeaderValue } from "../model/http-route.js";
import { readAuthority } from "./authority.js";
import { child, type Field, isObject, type Reader, readList, readMap, readObject, refuse } from "./fields.js";
import { readHeaderFormat } from "./header-format.js";
import { readHeaderName } from "./http-header.js";

/**
 * https://istio.io/latest/docs/reference/config/networking/virtual-service/#Headers
 * The request's host, named here as in Istio, is not a header like others: setting it rewrites the authority.
 */
export const readHeaderOperations: Reader<HeaderOperations> = readObject((fields) => {
  const request = fields.optional("request", readChanges("request"));
  const response = fields.optional("response", readChanges("response"));
  return {
    ...(request?.authority !== undefined && { authority: request.authority }),
    ...(request !== undefined && hasChanges(request.changes) && { request: request.changes }),
    ...(response !== undefined && hasChanges(response.changes) && { response: response.changes }),
  };
});

interface Changes {
  readonly changes: HeaderChanges;
  readonly authority?: string;
}

function readChanges(side: "request" | "response"): Reader<Changes> {
  return readObject((fields, field): Changes => {
    const set = fields.optional("set", readValues(side));
    const add = fields.optional("add", readValues(side));
    const remove = fields.optional("remove", readList(readName, { max: 100 })) ?? [];
    if (set?.authority !== undefined && add?.authority !== undefined)
      refuse(child(field, "add", add), "Conflict", "names the host, as set does", "name it in set only");
    const authority = set?.authority ?? add?.authority;
    return {
      changes: { set: set?.values ?? [], add: add?.values ?? [], remove: [...new Set(remove)] },
      ...(authority !== undefined && { authority }),
    };
  });
}

function hasChanges({ set, add, remove }: HeaderChanges): boolean {
  return set.length + add.length + remove.length > 0;
}

interface Values {
  readonly values: readonly HeaderValue[];
  readonly authority?: string;
}

function readValues(side: "request" | "response"): Reader<Values> {
  return (field) => {
    if (!isObject(field.value)) return readMap(readName, readHeaderFormat)(field) && undefined;
    const hosts = side === "request" ? Object.keys(field.value).filter(isHost) : [];
    const [host] = hosts;
    if (hosts.length > 1) return refuse(field, "DuplicateName", "names the host twice", "keep one of them");
    const rest = Object.fromEntries(Object.entries(field.value).filter(([name]) => name !== host));
    const map = readMap(readName, readHeaderFormat)({ ...field, value: rest });
    const authority = host === undefined ? undefined : readAuthority(child(field, host, field.value[host]));
    if (map === undefined) return undefined;
    const names = Object.keys(rest).map((name) => name.toLowerCase());
    const twice = names.find((name, position) => names.indexOf(name) !== position);
    if (twice !== undefined)
      return refuse(
        field,
        "DuplicateName",
        `names the header ${twice} twice`,
        "header names ignore case; keep one of them",
      );
    return {
      values: Object.keys(map)
        .sort()
        .map((name) => ({ name, value: map[name] ?? "" })),
      ...(authority !== undefined && { authority }),
    };
  };
}

function isHost(name: string): boolean {
  return name === ":authority" || name.toLowerCase() === "host";
}

const readName: Reader<string> = (field: Field) => {
  const name = readHeaderName("of these only :authority can be set, for requests; rewrite changes the path")(field);
  if (name !== "host") return name;
  return refuse(field, "InvalidName", "is the host, which can only be set, for requests", "remove it");
};
