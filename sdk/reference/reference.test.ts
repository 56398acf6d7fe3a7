import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { typeCheck } from "../../test/guide/type-check.js";
import { buildSource } from "../test/build-source.js";
import type { Declaration, Member, PublicModule } from "./declaration.js";
import { examplesOf, parseDocComment } from "./doc-comment.js";
import { readGuide } from "./guide-pages.js";
import { referencePage } from "./page.js";
import { PAGE_SCRIPT } from "./page-script.js";
import { docProblems } from "./problems.js";
import { readPublicModules, sdkFolder } from "./read-declarations.js";
import { firstSentence, referenceMarkdown } from "./reference-markdown.js";

const modules = readPublicModules();
const find = (module: string, name: string) =>
  modules.find((one) => one.name === module)?.declarations.find((one) => one.name === name);

test("every exported name, and what can be called of it, has a comment whose links lead somewhere", () => {
  expect(docProblems(modules)).toEqual([]);
});

test("bases that are not exported, parameter properties, accessors and variables are read", () => {
  const names = (name: string) => find("@weft/sdk", name)?.members.map((member) => member.name);
  expect(names("HttpContext")).toEqual(expect.arrayContaining(["config", "onRequestHeaders", "onLog"]));
  expect(names("HeaderPair")).toEqual(expect.arrayContaining(["name", "value"]));
  expect(names("sharedData")).toEqual(["get", "set", "update"]);
  expect(names("RootContext")).not.toContain("readConfig");
  expect(find("@weft/sdk", "Gauge")?.members.find(({ name }) => name === "value")?.signature).toBe(
    "set value(value: u64)\nget value(): u64",
  );
  expect(find("@weft/sdk/host", "Host")?.members.find(({ name }) => name === "request")?.signature).toMatch(
    /^request\(request: .*\): Promise<Exchange>$/,
  );
});

const plant = (text: string, members: Member[] = [], kind: Declaration["kind"] = "class"): PublicModule[] => {
  const place = { file: "assembly/x.ts", line: 7 };
  const doc = { text, isInternal: false };
  return [
    {
      name: "@weft/sdk",
      title: "",
      declarations: [{ name: "X", kind, signature: "class X", doc, place, members }],
    },
  ];
};
const method = (text: string): Member => ({
  name: "m",
  kind: "method",
  signature: "m(): void",
  doc: { text, isInternal: false },
  place: { file: "assembly/x.ts", line: 9 },
});

test.each([
  ["a class without a comment", plant(""), "assembly/x.ts:7: X has no doc comment"],
  ["a method without one", plant("A thing.", [method("")]), "assembly/x.ts:9: X.m has no doc comment"],
  [
    "a link to a name that is not there",
    plant("See {@link X.gone}."),
    "assembly/x.ts:7: X links to X.gone, which @weft/sdk does not export",
  ],
  [
    "an address of another version of Envoy",
    plant("https://www.envoyproxy.io/docs/envoy/latest/x"),
    "assembly/x.ts:7: X: https://www.envoyproxy.io/docs/envoy/latest/x is not of Envoy 1.40.0",
  ],
  ["an address without TLS", plant("http://a.test"), "assembly/x.ts:7: X: http://a.test is not https"],
])("%s is found", (_, planted, problem) => expect(docProblems(planted)).toEqual([problem]));

test("what is well is no problem", () => {
  const link = "See {@link X.m}, https://www.envoyproxy.io/docs/envoy/v1.40.0/x.";
  expect(docProblems(plant(link, [method("Does it.")]))).toEqual([]);
});

const examplesIn = (module: string) =>
  (modules.find(({ name }) => name === module)?.declarations ?? []).flatMap(({ doc, members }) =>
    [doc, ...members.map((member) => member.doc)].flatMap(examplesOf),
  );
const namesIn = (module: string) =>
  modules.find(({ name }) => name === module)?.declarations.map(({ name }) => name) ?? [];
const imports = (module: string, code: string) =>
  `import { ${namesIn(module)
    .filter((name) => new RegExp(`\\b${name}\\b`).test(code))
    .join(", ")} } from "${module}";\n${code}`;

describe("examples in comments", () => {
  /* A function that nobody names is not compiled. */
  const compile = (examples: readonly string[]) => {
    const files = examples.map((code, i) => {
      const functions = [...code.matchAll(/^function (\w+)/gm)].map(([, name]) => `${name}.index`);
      const all = `${imports("@weft/sdk", code)}\nexport const compiled${i}: usize[] = [${functions.join(", ")}];\n`;
      return [`assembly/example${i}.ts`, all] as const;
    });
    const source = `
import { HttpContext, NoConfig, register } from "@weft/sdk";
${examples.map((_, i) => `import { compiled${i} } from "./example${i}";`).join("\n")}
class Probe extends HttpContext<NoConfig> {
  onLog(): void {
    ${examples.map((_, i) => `assert(compiled${i}.length >= 0);`).join("\n    ")}
  }
}
register<Probe, NoConfig>("probe");
`;
    return buildSource({ source, files: Object.fromEntries(files) });
  };

  test("of AssemblyScript compile", async () => {
    const examples = examplesIn("@weft/sdk");
    expect(examples.length).toBeGreaterThan(10);
    expect(await compile(examples)).toMatchObject({ ok: true, diagnostics: [] });
  });

  test("that are wrong are found, in a function and in a method", async () => {
    const method = "  onLog(): void {\n    this.response.headers.get(1);\n  }";
    const wrong = [
      'function a(): i32 {\n  return "text";\n}\n',
      `class A extends HttpContext<NoConfig> {\n${method}\n}\nregister<A, NoConfig>("a");\n`,
    ];
    const { ok, diagnostics } = await compile(wrong);
    expect(ok).toBe(false);
    const files = new Set(diagnostics.map(({ file }) => file));
    expect(files).toEqual(new Set(["assembly/example0.ts", "assembly/example1.ts"]));
  });

  test("of the host pass a strict type check", () => {
    const examples = examplesIn("@weft/sdk/host").map((code, i) => [`example${i}.ts`, imports("@weft/sdk/host", code)]);
    expect(examples.length).toBeGreaterThan(2);
    expect(typeCheck(new Map(examples as [string, string][]))).toEqual([]);
  });
});

describe("the reference as Markdown", () => {
  const text = modules.map(referenceMarkdown).join("\n");

  test("links lead to anchors in it, and to files of the package", () => {
    const anchors = new Set([...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => `#${id}`));
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, href = ""]) => href);
    const lost = links.filter((href) =>
      href.startsWith("#") ? !anchors.has(href) : !existsSync(join(sdkFolder(), "docs", href)),
    );
    expect(lost.filter((href) => !href.startsWith("https:"))).toEqual([]);
  });

  test("no anchor is there twice", () => {
    const ids = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id]) => id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });
});

describe("the page", () => {
  const page = referencePage("1.2.3", readGuide(), modules);

  test("needs no other file", () => {
    expect(page).not.toMatch(/<link|<script src|<img|@import|url\(/);
  });

  test("its script is one that a browser can read", () => {
    expect(() => new Function(PAGE_SCRIPT)).not.toThrow();
  });

  test("links and search lead to something in it", () => {
    const ids = new Set([...page.matchAll(/ id="?([^"\s>]+)/g)].map(([, id]) => `#${id}`));
    const shown = page.replace(/<script[\s\S]*?<\/script>/g, "");
    const links = [...shown.matchAll(/ href="([^"]+)"/g)].map(([, href = ""]) => href);
    const json = /<script type="application\/json" id=entries>(.*?)<\/script>/.exec(page)?.[1] ?? "[]";
    const entries = (JSON.parse(json) as { href: string }[]).map(({ href }) => href);
    const lost = [...links, ...entries].filter((href) => href.startsWith("#") && !ids.has(href));
    expect(lost).toEqual([]);
    expect(entries.length).toBeGreaterThan(500);
  });
});

test.each([
  ["/** One line. */", "One line."],
  ["/**\n * Two\n * lines.\n */", "Two\nlines."],
  ["/**\n   * With\n   *\n   * ```ts\n   * a();\n   *   b();\n   * ```\n   */", "With\n\n```ts\na();\n  b();\n```"],
  ["/* not one */", ""],
])("%j is %j", (source, text) => expect(parseDocComment(source).text).toBe(text));

test.each([
  ["First. Second.", "First."],
  ["A value of `a.b` here. More.", "A value of `a.b` here."],
  ["`a: b.` is code. More.", "`a: b.` is code."],
  ["Without an end", "Without an end"],
  ["See:\n\n```ts\na. b.\n```", "See."],
])("the first sentence of %j is %j", (text, sentence) => expect(firstSentence(text)).toBe(sentence));
