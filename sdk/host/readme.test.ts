import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vitest from "vitest";
import { buildPlugin } from "../../test/build-plugin.js";
import * as host from "./host.js";

/* The example of the README, as it stands there. */
const text = readFileSync(new URL("README.md", import.meta.url), "utf8");
const example = /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
const dir = mkdtempSync(join(tmpdir(), "weft-readme-"));

vitest.beforeAll(async () => {
  writeFileSync(join(dir, "plugin.wasm"), (await buildPlugin("hello")).wasm);
});
vitest.afterAll(() => rmSync(dir, { recursive: true }));

const code = example
  .replace('import { load } from "@weft/sdk/host";', "const { load } = host;")
  .replace('import { expect, test } from "vitest";', "const { expect, test } = vitest;")
  .replaceAll('"build/plugin.wasm"', JSON.stringify(join(dir, "plugin.wasm")));
new Function("host", "vitest", code)(host, vitest);
