import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createCleanup, tempFolder } from "../test/fixtures.js";
import { dockerConfigPath, loadDockerConfig, parseDockerConfig } from "./credentials.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const source = parseDockerConfig(
  JSON.stringify({
    auths: {
      "a.io": { auth: base64("user:pass:with:colons") },
      "https://b.io/v2/": { username: "u", password: "p" },
      "http://C.io:5000": { auth: base64("x:y\0\0") },
      "https://index.docker.io/v1/": { auth: base64("hub:pw") },
      "quay.io/acme": { auth: base64("only:acme") },
      "d.io": { auth: base64("user:"), identitytoken: "IDT" },
      "e.io": { registrytoken: "RT" },
      "f.io": {},
    },
    credHelpers: { "g.io": "ecr-login" },
  }),
  "config.json",
);

test.each([
  ["a.io", { kind: "basic", username: "user", password: "pass:with:colons" }],
  ["b.io", { kind: "basic", username: "u", password: "p" }],
  ["c.io:5000", { kind: "basic", username: "x", password: "y" }],
  ["c.io", undefined],
  ["docker.io", { kind: "basic", username: "hub", password: "pw" }],
  ["quay.io", undefined],
  ["evil-a.io", undefined],
  ["a.io.evil.com", undefined],
  ["d.io", { kind: "identity-token", token: "IDT" }],
  ["e.io", { kind: "registry-token", token: "RT" }],
  ["f.io", undefined],
  ["g.io", { kind: "none", reason: expect.stringContaining('the credential helper "ecr-login"') }],
])("credentials for %s", async (registry, expected) => {
  expect(await source(registry)).toEqual(expected);
});

test("a store that holds everything is named", async () => {
  const stored = parseDockerConfig('{"auths":{"a.io":{}},"credsStore":"desktop"}', "/home/x/config.json");
  expect(await stored("a.io")).toEqual({ kind: "none", reason: expect.stringMatching(/config\.json .*"desktop"/) });
});

test.each([
  ["", "not JSON"],
  ["[]", "not a JSON object"],
  ['{"auths":[]}', "auths is not an object"],
  ['{"auths":{"a.io":"x"}}', 'auths["a.io"] is not an object'],
  ['{"auths":{"a.io":{"auth":1}}}', 'auths["a.io"].auth is not a string'],
  [`{"auths":{"a.io":{"auth":"${base64("SECRET")}"}}}`, 'auths["a.io"].auth is not the base64 form'],
  ['{"auths":{"a.io":{"auth":"SECRET:SECRET"}}}', "is not the base64 form"],
  ['{"auths":{"a.io":{"auth":"SECRET', "not JSON"],
])("refuses %j without telling secrets", (text, reason) => {
  expect(() => parseDockerConfig(text, "config.json")).toThrow(reason);
  expect(() => parseDockerConfig(text, "config.json")).not.toThrow(/SECRET|U0VDUkVU/);
});

test("the file: absent is anonymous, unreadable is an error", async () => {
  const dir = await tempFolder(cleanup);
  const path = dockerConfigPath({ DOCKER_CONFIG: dir }, "/home/me");
  expect(path).toBe(join(dir, "config.json"));
  expect(dockerConfigPath({}, "/home/me")).toBe("/home/me/.docker/config.json");
  expect(await (await loadDockerConfig(path))("a.io")).toBeUndefined();
  await writeFile(path, JSON.stringify({ auths: { "a.io": { auth: base64("u:p") } } }));
  expect(await (await loadDockerConfig(path))("a.io")).toEqual({ kind: "basic", username: "u", password: "p" });
  await expect(loadDockerConfig(dir)).rejects.toMatchObject({ code: "invalid-credentials" });
});
