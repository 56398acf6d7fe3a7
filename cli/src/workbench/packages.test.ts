import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPackages } from "./packages.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weft-packages-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

test("a project gets the Vitest that Weft itself is tested with", async () => {
  const root = JSON.parse(await readFile(fileURLToPath(new URL("../../../package.json", import.meta.url)), "utf8"));
  expect(projectPackages(dir).vitest).toBe(root.devDependencies.vitest);
});

test("in the clone it gets the folders of the clone", () => {
  const folder = (name: string) => `file:${fileURLToPath(new URL(`../../../${name}`, import.meta.url))}`;
  expect(projectPackages(dir)).toMatchObject({
    "@weft/control-plane": folder("control-plane"),
    "@weft/registry": folder("registry"),
    "@weft/sdk": folder("sdk"),
    weft: folder("cli"),
  });
});

test.each(["dependencies", "devDependencies"])(
  "below an installation from tarballs it gets the same: %s",
  async (field) => {
    const below = join(dir, field, "a", "b");
    await mkdir(below, { recursive: true });
    const specs = { "@weft/sdk": "file:../packed/weft-sdk-0.1.0.tgz", weft: "^1.0.0" };
    await writeFile(join(dir, field, "package.json"), JSON.stringify({ [field]: specs }));
    const packages = projectPackages(below);
    expect(packages["@weft/sdk"]).toBe(`file:${join(dir, "packed", "weft-sdk-0.1.0.tgz")}`);
    expect(packages.weft).toMatch(/cli$/);
  },
);
