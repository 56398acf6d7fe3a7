import { describe, expect, it, test } from "vitest";
import type { RequestAuthentication } from "../model/request-authentication.js";
import { accepted, objectOf, refused } from "./decoding.js";

const authentication = (spec: string) => objectOf("RequestAuthentication", spec);
const rule = (text: string) => authentication(`{jwtRules: [{${text}}]}`);
const JWKS = `'{"keys": [{"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}]}'`;

const RULE = {
  issuer: "i",
  audiences: [],
  keys: { kind: "inline", jwks: JWKS.slice(1, -1) },
  fromHeaders: [],
  fromParams: [],
  fromCookies: [],
  outputClaimToHeaders: [],
  forwardOriginalToken: false,
  spaceDelimitedClaims: [],
};
const remote = (uri: string, host: string, port: number, tls: boolean, timeoutMs = 5000) => ({
  keys: { kind: "remote", uri, host, port, tls, timeoutMs },
});

describe("rules", () => {
  it.each([
    [`issuer: i, jwks: ${JWKS}`, {}],
    [`issuer: i, jwks: ${JWKS}, audiences: [a, b]`, { audiences: ["a", "b"] }],
    ["issuer: i, jwksUri: https://a.b/k.json", remote("https://a.b/k.json", "a.b", 443, true)],
    ["issuer: i, jwks_uri: 'https://a.b:8443'", remote("https://a.b:8443/", "a.b", 8443, true)],
    ["issuer: i, jwksUri: http://keys/k, timeout: 1s", remote("http://keys/k", "keys", 80, false, 1000)],
    [
      `issuer: i, jwks: ${JWKS}, fromHeaders: [{name: x-a, prefix: 'T '}, {name: x-b}]`,
      {
        fromHeaders: [
          { name: "x-a", prefix: "T " },
          { name: "x-b", prefix: "" },
        ],
      },
    ],
    [`issuer: i, jwks: ${JWKS}, fromParams: [t], fromCookies: [c]`, { fromParams: ["t"], fromCookies: ["c"] }],
    [
      `issuer: i, jwks: ${JWKS}, outputPayloadToHeader: x-p, forwardOriginalToken: true`,
      { outputPayloadToHeader: "x-p", forwardOriginalToken: true },
    ],
    [
      `issuer: i, jwks: ${JWKS}, outputClaimToHeaders: [{header: x-s, claim: sub}], spaceDelimitedClaims: [roles]`,
      { outputClaimToHeaders: [{ header: "x-s", claim: "sub" }], spaceDelimitedClaims: ["roles"] },
    ],
  ])("%s", (text, over) => {
    expect((accepted(rule(text)).value as RequestAuthentication).rules).toEqual([{ ...RULE, ...over }]);
  });

  it("says that keys which come without TLS from outside prove nothing", () => {
    const warnings = (uri: string) => accepted(rule(`issuer: i, jwksUri: ${uri}`)).warnings;
    expect(warnings("http://issuer.example/k")).toEqual(["KeysWithoutTls spec.jwtRules[0].jwksUri"]);
    expect(warnings("http://keys.default.svc.cluster.local/k")).toEqual([]);
    expect(warnings("https://issuer.example/k")).toEqual([]);
  });
});

const AT = "spec.jwtRules[0]";

test.each([
  [`jwks: ${JWKS}`, [`MissingField ${AT}.issuer`]],
  ["issuer: i", [`MissingField ${AT}.jwksUri`]],
  [`issuer: i, jwks: ${JWKS}, jwksUri: https://a.b`, [`ConflictingFields ${AT}.jwksUri`]],
  ["issuer: i, jwksUri: a.b/k", [`InvalidUrl ${AT}.jwksUri`]],
  ["issuer: i, jwksUri: 'https://u:p@a.b/k'", [`InvalidUrl ${AT}.jwksUri`]],
  ["issuer: i, jwksUri: 'https://a.b:99999/k'", [`InvalidUrl ${AT}.jwksUri`]],
  ["issuer: i, jwksUri: 'ftp://a.b/k'", [`InvalidUrl ${AT}.jwksUri`]],
  ["issuer: i, jwks: '{'", [`InvalidKeys ${AT}.jwks`]],
  ["issuer: i, jwks: '{\"keys\": []}'", [`InvalidKeys ${AT}.jwks`]],
  ["issuer: i, jwks: '{\"keys\": [1]}'", [`InvalidKeys ${AT}.jwks`]],
  ['issuer: i, jwks: \'{"keys": [{"kty": "EC", "d": "secret"}]}\'', [`InvalidKeys ${AT}.jwks`]],
  ['issuer: i, jwks: \'{"keys": [{"kty": "oct", "k": "secret"}]}\'', [`InvalidKeys ${AT}.jwks`]],
  [`issuer: i, jwks: ${JWKS}, outputPayloadToHeader: ':path'`, [`InvalidHeader ${AT}.outputPayloadToHeader`]],
  [`issuer: i, jwks: ${JWKS}, fromHeaders: [x]`, [`WrongType ${AT}.fromHeaders[0]`]],
  [`issuer: i, jwks: ${JWKS}, jwksURI: x`, [`UnknownField ${AT}.jwksURI`]],
])("{%s} is refused", (text, problems) => {
  expect(refused(rule(text))).toEqual(problems);
});

it("shows nothing of keys in messages", () => {
  const text = authentication(`{jwtRules: [{issuer: i, jwks: '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'}]}`);
  expect(JSON.stringify(refused(text))).not.toContain("c2VjcmV0");
});
