import type { KeySource, PluginVerification } from "../model/verification.js";
import { type Field, type Reader, readAnyString, readBoolean, readList, readObject, refuse } from "./fields.js";
import { readDnsSubdomain } from "./names.js";

/** Where cosign puts a public key into a Secret. */
const DEFAULT_ENTRY = "cosign.pub";
const MAX_KEYS = 20;
const MAX_PEM = 16 * 1024;
const PUBLIC_KEY = /^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END (?:RSA )?PUBLIC KEY-----\s*$/;
const ENTRY = /^[-._a-zA-Z0-9]{1,253}$/;

/** Whether a text is a public key in PEM, as far as its frame says. */
export function isPublicKeyPem(text: string): boolean {
  return text.length <= MAX_PEM && PUBLIC_KEY.test(text);
}

/** Never shows the text: by mistake it may be a private key. */
const readPem: Reader<string> = (field) => {
  const text = readAnyString(MAX_PEM)(field);
  if (text === undefined || isPublicKeyPem(text)) return text;
  if (text.includes("PRIVATE KEY"))
    return refuse(
      field,
      "PrivateKey",
      "is a private key, which verifying does not need",
      "put the public key here, and make a new pair: this one is known by now",
    );
  return refuse(
    field,
    "InvalidKey",
    "is no public key in PEM",
    "write the text of cosign.pub, from -----BEGIN PUBLIC KEY----- on",
  );
};

const readEntry: Reader<string> = (field) => {
  const name = readAnyString(253)(field);
  if (name === undefined || ENTRY.test(name)) return name;
  return refuse(field, "InvalidName", "is not the name of an entry of a Secret", `write it like ${DEFAULT_ENTRY}`);
};

const readSecretKeyRef: Reader<KeySource> = readObject((fields) => {
  const name = fields.required("name", readDnsSubdomain, "name the Secret, which must be of the same namespace");
  const entry = fields.optional("key", readEntry) ?? DEFAULT_ENTRY;
  return { kind: "secret", name: name ?? "", entry };
});

const readKey: Reader<KeySource> = readObject((fields, field) => {
  const pem = fields.optional("pem", readPem);
  const secret = fields.optional("secretKeyRef", readSecretKeyRef);
  if (fields.has("pem") === fields.has("secretKeyRef"))
    return refuse(
      field,
      "InvalidKey",
      fields.has("pem") ? "has both pem and secretKeyRef" : "has neither pem nor secretKeyRef",
      "write the public key as pem, or name a Secret with it as secretKeyRef",
    );
  return pem === undefined ? secret : { kind: "inline", pem };
});

export const readKeys: Reader<readonly KeySource[]> = readList(readKey, { max: MAX_KEYS });

/** `verification` of a WasmPlugin. Who gives keys means them, so `required` is true by default. */
export const readVerification: Reader<PluginVerification> = readObject((fields, field: Field) => {
  const keys = fields.optional("keys", readKeys) ?? [];
  const required = fields.optional("required", readBoolean);
  if (!fields.has("keys") && !fields.has("required"))
    return refuse(field, "MissingField", "says nothing", "add keys, or required: true to use those of the mesh");
  return { keys, required: required ?? true };
});
