import type { Secret } from "../model/secret.js";
import {
  child,
  type Field,
  isObject,
  type Reader,
  readBoolean,
  readMap,
  readObject,
  readString,
  refuse,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { isPublicKeyPem } from "./verification.js";

const DOCKER_CONFIG_TYPE = "kubernetes.io/dockerconfigjson";
const DOCKER_CONFIG_ENTRY = ".dockerconfigjson";
/** As in Kubernetes. */
const MAX_SECRET_CHARACTERS = 1024 * 1024;
const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

const readEntryName = readString(253);

/** No message shows a value. */
const readText: Reader<string> = (field) =>
  typeof field.value === "string" ? field.value : refuse(field, "WrongType", "is not a string", "write a string here");

const readBase64: Reader<string> = (field) => {
  const text = readText(field);
  if (text === undefined) return undefined;
  if (BASE64.test(text)) return Buffer.from(text, "base64").toString("utf8");
  return refuse(field, "InvalidValue", "is not base64", "encode it, or put it below stringData as it is");
};

/**
 * A Secret: credentials of registries, and public keys. Of all else in it nothing is kept.
 * https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/
 */
export function readSecret({ namespace, name }: Metadata): Reader<Secret> {
  return readObject((fields, field) => {
    const type = fields.optional("type", readString(253)) ?? "Opaque";
    const entries = {
      ...fields.optional("data", bounded(readMap(readEntryName, readBase64))),
      ...fields.optional("stringData", bounded(readMap(readEntryName, readText))),
    };
    fields.optional("immutable", readBoolean);
    const dockerConfig = type === DOCKER_CONFIG_TYPE ? readDockerConfig(field, entries) : undefined;
    const publicKeys = Object.fromEntries(Object.entries(entries).filter(([, text]) => isPublicKeyPem(text)));
    return { namespace, name, ...(dockerConfig !== undefined && { dockerConfig }), publicKeys };
  });
}

function readDockerConfig(field: Field, entries: Readonly<Record<string, string>>): string | undefined {
  const text = entries[DOCKER_CONFIG_ENTRY];
  const place = child(child(field, "data", undefined), DOCKER_CONFIG_ENTRY, undefined);
  const hint = `make it with: kubectl create secret docker-registry, which writes ${DOCKER_CONFIG_ENTRY}`;
  if (text === undefined)
    return refuse(place, "MissingField", `is missing in a Secret of type ${DOCKER_CONFIG_TYPE}`, hint);
  return isJsonObject(text) ? text : refuse(place, "InvalidValue", "is not the JSON of a docker config.json", hint);
}

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    // The parser's message quotes the text, which is secret.
    return false;
  }
}

function bounded<T>(read: Reader<T>): Reader<T> {
  return (field) => {
    const size = isObject(field.value)
      ? Object.values(field.value).reduce<number>((sum, text) => sum + String(text).length, 0)
      : 0;
    if (size <= MAX_SECRET_CHARACTERS) return read(field);
    return refuse(field, "TooLarge", `has ${size} characters`, `use at most ${MAX_SECRET_CHARACTERS}`);
  };
}
