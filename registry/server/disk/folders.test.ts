import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createCleanup, tempFolder } from "../../test/fixtures.js";
import { createFolders, decodeTag, encodeTag } from "./folders.js";

const cleanup = createCleanup();
afterEach(() => cleanup.run());

test.each(["v1", "V1", "latest", "Aa.bB-C_9", "_", "X".repeat(128), "x".repeat(128)])("the tag %s is a file", (tag) => {
  const name = encodeTag(tag);
  expect(decodeTag(name)).toBe(tag);
  expect(name).toBe(name.toLowerCase());
  expect(name.length).toBeLessThan(200);
});

test("tags that differ in capitals are different files", () => {
  expect(new Set(["ab", "Ab", "aB", "AB"].map(encodeTag)).size).toBe(4);
});

test("repositories that differ in slashes are different folders", async () => {
  const folders = await createFolders(await tempFolder(cleanup));
  const names = ["a/b", "a-b", "a.b", "a_b", "a__b", "ab"];
  expect(new Set(names.map((name) => folders.repository(name))).size).toBe(names.length);
});

test("the sweep takes what is old, and nothing else", async () => {
  const dir = await tempFolder(cleanup);
  const folders = await createFolders(dir);
  const [old, young] = [join(folders.uploads, "old"), join(folders.uploads, "young")];
  await writeFile(old, "x");
  await writeFile(young, "x");
  await utimes(old, 1, 1);
  expect(await folders.sweep(60_000)).toBe(1);
  expect(await folders.sweep(60_000)).toBe(0);
});
