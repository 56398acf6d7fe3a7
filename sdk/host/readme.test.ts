import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../test/build-plugin.js";
import { fencesOf } from "../../test/guide/examples.js";
import { createTestFolders } from "../../test/guide/run-test-text.js";
import { typeCheck } from "../../test/guide/type-check.js";

/* The example of the README, as it stands there. */
const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const example = fencesOf(readme).find(({ language }) => language === "ts")?.text ?? "";
const folder = createTestFolders()("readme");

beforeAll(async () => writeFileSync(folder.wasmFile, (await buildPlugin("hello")).wasm));

test("it passes a strict type check", () => {
  expect(typeCheck(new Map([["hello.test.ts", example]]))).toEqual([]);
});

await import(folder.write("hello.test.ts", example));
