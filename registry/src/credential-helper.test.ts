import { chmod, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createCleanup, tempFolder } from "../test/fixtures.js";
import { credentialFiles, loadCredentials, loadDockerConfig } from "./credentials.js";

const cleanup = createCleanup();
const path = process.env.PATH;
let dir = "";
beforeEach(async () => {
  dir = await tempFolder(cleanup);
  process.env.PATH = `${dir}${delimiter}${path}`;
});
afterEach(async () => {
  process.env.PATH = path;
  await cleanup.run();
});

/** A helper as docker's are: a program that reads a registry and answers; it notes that it was asked. */
async function helper(name: string, script: string): Promise<void> {
  const file = join(dir, `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\nread registry\necho "$1 $registry" >> ${join(dir, "asked")}\n${script}\n`);
  await chmod(file, 0o755);
}

async function config(value: unknown, name = "config.json"): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, JSON.stringify(value));
  return file;
}

const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });

test("the registry's own helper goes before the store, and that before the file", async () => {
  await helper("own", `echo '{"ServerURL":"x","Username":"own","Secret":"s1"}'`);
  await helper(
    "store",
    `[ "$registry" = c.io ] && { echo "credentials not found in native keychain"; exit 1; }
echo '{"Username":"<token>","Secret":"refresh"}'`,
  );
  const auths = { "a.io": auth("file:1"), "b.io": {}, "c.io": auth("file:2") };
  const source = await loadDockerConfig(await config({ auths, credHelpers: { "a.io": "own" }, credsStore: "store" }));
  expect(await source("a.io")).toEqual({ kind: "basic", username: "own", password: "s1" });
  expect(await source("b.io")).toEqual({ kind: "identity-token", token: "refresh" });
  expect(await source("c.io")).toEqual({ kind: "basic", username: "file", password: "2" });
  expect(await source("docker.io")).toEqual({ kind: "identity-token", token: "refresh" });
  await source("a.io");
  const asked = await readFile(join(dir, "asked"), "utf8");
  expect(asked.split("\n")).toEqual(["get a.io", "get b.io", "get c.io", "get https://index.docker.io/v1/", ""]);
});

test.each([
  ["missing", "", /not on the PATH/],
  ["broken", "echo oops; exit 3", /ended with 3: oops/],
  ["chatty", 'echo \'{"secret":"hidden"\'', /not a JSON object/],
  ["empty", "echo '{}'", /no Username and Secret/],
  ["../evil", "", /not one of a program/],
])("a helper that is %s is an error without secrets", async (name, script, message) => {
  if (script !== "") await helper(name, script);
  const source = await loadDockerConfig(await config({ credsStore: name }));
  const error = await source("a.io").catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "invalid-credentials", message: expect.stringMatching(message) });
  expect(String(error)).not.toContain("hidden");
});

test("several files: the first that knows the registry", async () => {
  const one = await config({ auths: { "a.io": auth("one:1") } }, "one.json");
  const two = await config({ auths: { "a.io": auth("two:2"), "b.io": auth("two:2") } }, "two.json");
  const source = await loadCredentials([join(dir, "none.json"), one, two]);
  expect(await source("a.io")).toMatchObject({ username: "one" });
  expect(await source("b.io")).toMatchObject({ username: "two" });
  expect(await source("c.io")).toBeUndefined();
});

test.each([
  [{}, ["/home/me/.docker/config.json"]],
  [{ DOCKER_CONFIG: "/d", XDG_RUNTIME_DIR: "/run/1" }, ["/d/config.json", "/run/1/containers/auth.json"]],
  [{ REGISTRY_AUTH_FILE: "/a.json", DOCKER_CONFIG: "/d" }, ["/a.json"]],
])("%j: the files are %j", (env, files) => {
  expect(credentialFiles(env, "/home/me")).toEqual(files);
});
