import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { decodeObject } from "./decode.js";
import { accepted, refused } from "./decoding.js";

const PEM = "-----BEGIN PUBLIC KEY-----\nMFkwEwYH\n-----END PUBLIC KEY-----\n";
const CONFIG = '{"auths":{"r.example":{"username":"u","password":"topsecret"}}}';
const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (rest: string) => `apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: n}\n${rest}\n`;
const ofType = (type: string, rest: string) => secret(`type: ${type}\n${rest}`);
const DOCKER = "kubernetes.io/dockerconfigjson";

describe("a Secret", () => {
  test("has credentials of registries", () => {
    const { value } = accepted(ofType(DOCKER, `data: {.dockerconfigjson: ${base64(CONFIG)}}`));
    expect(value).toEqual({ namespace: "n", name: "s", dockerConfig: CONFIG, publicKeys: {} });
    const plain = accepted(ofType(DOCKER, `stringData: {.dockerconfigjson: '${CONFIG}'}`));
    expect(plain.value).toEqual(value);
  });

  test("has public keys, and nothing is kept of all else in it", () => {
    const entries = { "cosign.pub": base64(PEM), "cosign.key": base64("topsecret"), "cosign.password": base64("x") };
    const { value } = accepted(secret(`data: ${JSON.stringify(entries)}\nimmutable: true`));
    expect(value).toEqual({ namespace: "n", name: "s", publicKeys: { "cosign.pub": PEM } });
  });

  test("may be of another type, or empty", () => {
    expect(accepted(ofType("kubernetes.io/tls", "data: {tls.key: eA==}")).value).toMatchObject({ publicKeys: {} });
    expect(accepted(secret("")).value).toEqual({ namespace: "n", name: "s", publicKeys: {} });
  });

  test.each([
    [ofType(DOCKER, "data: {a: eA==}"), ['MissingField data[".dockerconfigjson"]']],
    [ofType(DOCKER, `data: {.dockerconfigjson: ${base64("topsecret")}}`), ['InvalidValue data[".dockerconfigjson"]']],
    [ofType(DOCKER, `data: {.dockerconfigjson: ${base64("[1]")}}`), ['InvalidValue data[".dockerconfigjson"]']],
    [secret("data: {a: 'not base64!'}"), ["InvalidValue data.a"]],
    [secret("data: {a: 1}"), ["WrongType data.a"]],
    [secret("stringData: {a: [topsecret]}"), ["WrongType stringData.a"]],
    [secret("data: [a]"), ["WrongType data"]],
    [secret(`stringData: {a: ${"x".repeat(1024 * 1024 + 1)}}`), ["TooLarge stringData"]],
    [secret("spec: {}"), ["UnknownField spec"]],
    [secret("dta: {}"), ["UnknownField dta"]],
  ])("%# is refused", (yaml, problems) => {
    expect(refused(yaml)).toEqual(problems);
    expect(JSON.stringify(decodeObject(parse(yaml)))).not.toContain("topsecret");
  });
});
