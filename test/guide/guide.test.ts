import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accepted } from "../../control-plane/src/decode/decoding.js";
import { ENVOY_CASES } from "./envoy-cases.js";
import { buildExample, examplesOf, fencesOf, guidePages, readGuidePage } from "./examples.js";
import { type GuideProxy, startGuideProxy } from "./guide-proxy.js";
import { createTestFolders } from "./run-test-text.js";
import { typeCheck } from "./type-check.js";

/* A page takes three to five minutes. */
const MAX_WORDS = 1100;
/* All modules, where only these tests are run. */
const BUILD_ALL_LIMIT_MS = 600_000;
const LANGUAGES = ["ts", "yaml", "json", "console", "text"];

const pages = guidePages();
const examples = pages.flatMap(examplesOf);
const testFolder = createTestFolders();

describe.each(pages)("%s", (page) => {
  const text = readGuidePage(page);
  const fences = fencesOf(text);
  const prose = text.replace(/^```[\s\S]*?^```$/gm, "");

  test("code in TypeScript says which file it is, so that nothing is shown that is not run", () => {
    expect(fences.filter(({ language, path }) => language === "ts" && path === undefined)).toEqual([]);
    expect(fences.filter(({ language }) => !LANGUAGES.includes(language))).toEqual([]);
  });

  test("YAML is a manifest, which the build reads, or something else that is checked", () => {
    const others = fences.filter(({ language, path }) => language === "yaml" && path === undefined);
    for (const { text: yaml } of others) {
      if (yaml.startsWith("stats_config:")) continue; // Envoy gets it below
      expect(accepted(yaml).warnings).toEqual([]);
    }
  });

  test("links lead somewhere", () => {
    const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, href = ""]) => href);
    expect(links.filter((href) => !/^https:/.test(href) && !leadsSomewhere(page, href))).toEqual([]);
  });

  test("it can be read in a few minutes", () => {
    expect(prose.split(/\s+/).length).toBeLessThan(MAX_WORDS);
  });
});

test("the guide's README lists every page once", () => {
  const listed = [...readGuidePage("README.md").matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, file]) => file);
  expect(listed.sort()).toEqual(pages.filter((page) => page !== "README.md").sort());
});

test("the tests that are shown pass a strict type check", () => {
  const tests = examples.flatMap(({ files }) => [...files].filter(([path]) => path.startsWith("test/")));
  expect(typeCheck(new Map(tests.map(([path, text]) => [basename(path), text])))).toEqual([]);
});

test("a test with a wrong type is found", () => {
  const text = 'import { load } from "@weft/sdk/host";\nexport const host: number = await load("x");\n';
  expect(typeCheck(new Map([["wrong.ts", text]]))).toEqual([expect.stringContaining("not assignable")]);
});

describe.each(examples.map((example) => [`${example.page}: ${example.rootId}`, example] as const))(
  "%s",
  async (_, example) => {
    const folder = testFolder(example.rootId);
    beforeAll(async () => writeFileSync(folder.wasmFile, await buildExample(example)));

    const files = [...example.files].filter(([path]) => path.startsWith("test/"));
    if (files.length === 0) throw new Error(`${example.page}: the example ${example.rootId} has no test`);
    for (const [path, text] of files) await import(folder.write(basename(path), text));
  },
);

describe("in real Envoy", () => {
  let proxy: GuideProxy;
  beforeAll(async () => {
    const modules = new Map<string, Uint8Array>();
    for (const example of examples) modules.set(example.rootId, await buildExample(example));
    proxy = await startGuideProxy(modules);
  }, BUILD_ALL_LIMIT_MS);
  afterAll(() => proxy?.stop());

  test.each(examples.map(({ rootId, page }) => [rootId, page]))("%s (%s)", async (rootId) => {
    const found = ENVOY_CASES[rootId];
    if (found === undefined) throw new Error(`add a case for "${rootId}" to envoy-cases.ts`);
    await found.check(proxy.world(rootId));
  });
});

function leadsSomewhere(page: string, href: string): boolean {
  const [path = "", anchor] = href.split("#");
  const target = path === "" ? page : path;
  if (!pages.includes(target)) return false;
  if (anchor === undefined) return true;
  const headings = [...readGuidePage(target).matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) => text);
  return headings.some((text) => slug(text) === anchor);
}

function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
