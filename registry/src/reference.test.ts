import { describe, expect, test } from "vitest";
import { RegistryError } from "./error.js";
import {
  apiHost,
  checkReference,
  formatReference,
  isRepositoryName,
  parseReference,
  tagOrDigest,
} from "./reference.js";

const D = `sha256:${"a".repeat(64)}`;
const D512 = `sha512:${"b".repeat(128)}`;

describe("parseReference", () => {
  test.each([
    ["oci://ghcr.io/acme/retry:v1", { registry: "ghcr.io", repository: "acme/retry", tag: "v1" }],
    ["ghcr.io/acme/retry:v1", { registry: "ghcr.io", repository: "acme/retry", tag: "v1" }],
    ["127.0.0.1:5000/plugins/retry", { registry: "127.0.0.1:5000", repository: "plugins/retry" }],
    ["localhost/x", { registry: "localhost", repository: "x" }],
    ["LocalHost:5000/x:Y", { registry: "localhost:5000", repository: "x", tag: "Y" }],
    ["[::1]:5000/x:v1", { registry: "[::1]:5000", repository: "x", tag: "v1" }],
    ["Registry.Example.COM/x/y/z:1.0-rc_2", { registry: "registry.example.com", repository: "x/y/z", tag: "1.0-rc_2" }],
    [`r.io/x@${D}`, { registry: "r.io", repository: "x", digest: D }],
    [`r.io/x:v1@${D}`, { registry: "r.io", repository: "x", tag: "v1", digest: D }],
    [`r.io/x@${D512}`, { registry: "r.io", repository: "x", digest: D512 }],
    ["r.io/a.b_c__d---e/f:_x", { registry: "r.io", repository: "a.b_c__d---e/f", tag: "_x" }],
    [`r.io/x:${"t".repeat(128)}`, { registry: "r.io", repository: "x", tag: "t".repeat(128) }],
    ["docker.io/acme/retry", { registry: "docker.io", repository: "acme/retry" }],
    ["docker.io/retry", { registry: "docker.io", repository: "library/retry" }],
    ["index.docker.io/retry:v1", { registry: "docker.io", repository: "library/retry", tag: "v1" }],
    ["registry-1.docker.io/acme/retry", { registry: "docker.io", repository: "acme/retry" }],
    ["retry", { registry: "docker.io", repository: "library/retry" }],
    ["retry:v1", { registry: "docker.io", repository: "library/retry", tag: "v1" }],
    ["acme/retry:v1", { registry: "docker.io", repository: "acme/retry", tag: "v1" }],
  ])("%s", (text, expected) => {
    const reference = parseReference(text);
    expect(reference).toEqual(expected);
    expect(parseReference(formatReference(reference))).toEqual(reference);
  });

  test.each([
    ["", "it is empty"],
    ["oci://", "it is empty"],
    ["https://ghcr.io/acme/retry", "the scheme is https://"],
    ["file:///x.wasm", "the scheme is file://"],
    ["ghcr.io", 'it names the host "ghcr.io", but no repository'],
    ["localhost:5000", 'it names the host "localhost", but no repository'],
    ["ghcr.io/", "but no repository"],
    ["ghcr.io/Acme/retry", '"Acme/retry" is not a repository name'],
    ["ghcr.io/acme//retry", "is not a repository name"],
    ["ghcr.io/acme/retry/", "is not a repository name"],
    ["ghcr.io/-acme", "is not a repository name"],
    ["ghcr.io/a___b", "is not a repository name"],
    ["ghcr.io/a..b", "is not a repository name"],
    ["ghcr.io/../b", "is not a repository name"],
    [`ghcr.io/${"a".repeat(256)}`, "is not a repository name"],
    ["ghcr.io/acme:", '"" is not a tag'],
    ["ghcr.io/acme:-x", '"-x" is not a tag'],
    [`ghcr.io/acme:${"t".repeat(129)}`, "is not a tag"],
    ["ghcr.io/acme@sha256:abc", '"sha256:abc" is not a digest'],
    [`ghcr.io/acme@${D.toUpperCase()}`, "is not a digest"],
    [`ghcr.io/acme@md5:${"a".repeat(32)}`, "is not a digest"],
    [`ghcr.io/acme@${D}@${D}`, 'more than one "@"'],
    ["ghcr.io/acme retry", "a space"],
    ["ghcr.io/acme?x=y", "a query"],
    ["ghcr.io\\acme", "a backslash"],
    ["ghcr.io:99999/acme", '"ghcr.io:99999" is not a host[:port]'],
    ["ghcr.io:/acme", "is not a host[:port]"],
    ["gh_cr.io/acme", "is not a host[:port]"],
    ["user:secret@ghcr.io/acme", "is not a digest"],
    ["-x.io/acme", "is not a host[:port]"],
  ])("refuses %j", (text, reason) => {
    const check = checkReference(text);
    expect(check.ok ? "accepted" : check.message).toContain(reason);
    expect(check.ok ? "" : check.hint).not.toBe("");
    expect(() => parseReference(text)).toThrow(RegistryError);
  });

  test("takes no longer for a hostile text than for a good one", () => {
    expect(isRepositoryName(`${"a-".repeat(127)}!`)).toBe(false);
    expect(checkReference(`r.io/${"a__".repeat(100_000)}!`).ok).toBe(false);
    expect(checkReference(`${"a-".repeat(100_000)}.io/x`).ok).toBe(false);
  });
});

test("tagOrDigest: the digest wins, latest is the default", () => {
  const at = { registry: "r.io", repository: "x" };
  expect(tagOrDigest(at)).toBe("latest");
  expect(tagOrDigest({ ...at, tag: "v1" })).toBe("v1");
  expect(tagOrDigest({ ...at, tag: "v1", digest: D })).toBe(D);
});

test("apiHost differs from the name for Docker Hub only", () => {
  expect(apiHost("docker.io")).toBe("registry-1.docker.io");
  expect(apiHost("ghcr.io")).toBe("ghcr.io");
});
