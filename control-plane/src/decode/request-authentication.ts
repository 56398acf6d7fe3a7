import { isAddress } from "../model/callout.js";
import type { JwtKeys, JwtRule, RequestAuthentication } from "../model/request-authentication.js";
import { readDurationMs } from "./duration.js";
import {
  child,
  type Field,
  isObject,
  type ObjectFields,
  type Reader,
  readAnyString,
  readBoolean,
  readList,
  readObject,
  readString,
  refuse,
  show,
} from "./fields.js";
import type { Metadata } from "./metadata.js";
import { readSelector } from "./selector.js";
import { readTargetServices } from "./target-refs.js";

const MAX_RULES = 100;
const MAX_JWKS_LENGTH = 64 * 1024;
const DEFAULT_TIMEOUT_MS = 5000;

/**
 * A security.istio.io RequestAuthentication.
 * https://istio.io/latest/docs/reference/config/security/request_authentication/
 */
export function readRequestAuthentication(metadata: Metadata): Reader<RequestAuthentication> {
  return readObject((fields, field) => {
    const { namespace, name } = metadata;
    const selector = fields.optional("selector", readSelector);
    const targetServices = readTargetServices(fields, field, namespace);
    const rules = fields.optional("jwtRules", readList(readJwtRule, { max: MAX_RULES })) ?? [];
    return {
      namespace,
      name,
      ...(selector !== undefined && { selector }),
      ...(targetServices !== undefined && { targetServices }),
      rules,
    };
  });
}

/** https://istio.io/latest/docs/reference/config/security/jwt/ */
const readJwtRule: Reader<JwtRule> = readObject((fields, field) => {
  const issuer = fields.required("issuer", readString(2048), "write the issuer as tokens have it in the claim iss");
  const timeoutMs = fields.optional("timeout", readDurationMs()) ?? DEFAULT_TIMEOUT_MS;
  const keys = readKeys(fields, field, timeoutMs);
  const outputPayloadToHeader = fields.optional("outputPayloadToHeader", readHeaderName);
  const rule = {
    issuer: issuer ?? "",
    audiences: fields.optional("audiences", readList(readString(), { max: 100 })) ?? [],
    fromHeaders: fields.optional("fromHeaders", readList(readTokenHeader, { max: 20 })) ?? [],
    fromParams: fields.optional("fromParams", readList(readString(256), { max: 20 })) ?? [],
    fromCookies: fields.optional("fromCookies", readList(readString(256), { max: 20 })) ?? [],
    outputClaimToHeaders: fields.optional("outputClaimToHeaders", readList(readClaimHeader, { max: 100 })) ?? [],
    forwardOriginalToken: fields.optional("forwardOriginalToken", readBoolean) ?? false,
    spaceDelimitedClaims: fields.optional("spaceDelimitedClaims", readList(readString(256), { max: 64 })) ?? [],
    ...(outputPayloadToHeader !== undefined && { outputPayloadToHeader }),
  };
  return keys === undefined ? undefined : { ...rule, keys };
});

function readKeys(fields: ObjectFields, field: Field, timeoutMs: number): JwtKeys | undefined {
  const jwks = fields.optional("jwks", readJwks);
  const uriName = fields.has("jwks_uri") ? "jwks_uri" : "jwksUri";
  const remote = fields.optional(uriName, readJwksUri(timeoutMs));
  fields.ignore(["jwksUri", "jwks_uri"]);
  const hasUri = fields.has(uriName);
  if (fields.has("jwks") && hasUri) {
    const hint = "write the keys, or say where they are";
    return refuse(child(field, uriName, undefined), "ConflictingFields", "cannot be beside jwks", hint);
  }
  if (!fields.has("jwks") && !hasUri) {
    const hint = "write jwksUri, which the issuer names in its /.well-known/openid-configuration, or jwks";
    return refuse(child(field, "jwksUri", undefined), "MissingField", "is missing", hint);
  }
  return jwks === undefined ? remote : { kind: "inline", jwks };
}

/** A JSON web key set (RFC 7517), as JSON in a text. Messages never show the text. */
const readJwks: Reader<string> = (field) => {
  const text = readString(MAX_JWKS_LENGTH)(field);
  if (text === undefined) return undefined;
  const keys = keysOf(text);
  if (keys === undefined)
    return refuse(field, "InvalidKeys", "is no JSON web key set", 'write JSON like {"keys": [{"kty": "RSA", …}]}');
  if (keys.some((key) => ["d", "p", "q"].some((part) => part in key)))
    return refuse(
      field,
      "InvalidKeys",
      "has a private key in it",
      "remove the private parts, and take the key for known",
    );
  if (keys.some(({ kty }) => kty === "oct"))
    return refuse(field, "InvalidKeys", "has a secret key of kty oct", "let the issuer sign with RSA, EC or OKP keys");
  return text;
};

function keysOf(text: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || !Array.isArray(value.keys) || value.keys.length === 0) return undefined;
  const keys = value.keys.filter(isObject).filter(({ kty }) => typeof kty === "string");
  return keys.length === value.keys.length ? keys : undefined;
}

function readJwksUri(timeoutMs: number): Reader<JwtKeys> {
  return (field) => {
    const uri = readString(2048)(field);
    if (uri === undefined) return undefined;
    const [, scheme, host = "", port, path] =
      /^(https?):\/\/([A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?)(?::([1-9]\d{0,4}))?(\/[^\s#]*)?$/.exec(uri) ?? [];
    const number = port === undefined ? (scheme === "https" ? 443 : 80) : Number(port);
    if (scheme === undefined || number > 65535)
      return refuse(field, "InvalidUrl", `${show(uri)} is no URL`, "write it like https://issuer.example/keys.json");
    const isOutside = host.includes(".") && !/\.(svc|cluster\.local)$/.test(host) && !isAddress(host);
    if (scheme === "http" && isOutside)
      field.problems.warning(
        field.path,
        "KeysWithoutTls",
        "is read without TLS, so whoever is on the way can make tokens of their own",
        "use https",
      );
    const tls = scheme === "https";
    return {
      kind: "remote",
      uri: path === undefined ? `${uri}/` : uri,
      tls,
      host: host.toLowerCase(),
      port: number,
      timeoutMs,
    };
  };
}

const readHeaderName: Reader<string> = (field) => {
  const name = readString(256)(field);
  if (name === undefined || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return name;
  return refuse(field, "InvalidHeader", `${show(name)} is no name of a header`, "use letters, digits and -");
};

const readTokenHeader: Reader<{ name: string; prefix: string }> = readObject((fields) => {
  const name = fields.required("name", readHeaderName, "name the header");
  const prefix = fields.optional("prefix", readAnyString(256)) ?? "";
  return { name: name ?? "", prefix };
});

const readClaimHeader: Reader<{ header: string; claim: string }> = readObject((fields) => {
  const header = fields.required("header", readHeaderName, "name the header");
  const claim = fields.required("claim", readString(256), "name the claim");
  return { header: header ?? "", claim: claim ?? "" };
});
