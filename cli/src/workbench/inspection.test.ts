import { expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";
import { moduleWith } from "../../../test/wasm-bytes.js";
import type { InspectedPlugin } from "./inspected-plugin.js";
import { inspectPlugin } from "./inspection.js";
import { inspectionText } from "./inspection-text.js";

const MARKER = "proxy_abi_version_0_2_1";
const manifest = (more = "") => `name: probe\nversion: 1.0.0\ncapabilities: []\ncallbacks: []\n${more}`;

async function hello(pluginYaml?: string): Promise<InspectedPlugin> {
  const { wasm } = await buildPlugin("hello");
  return { source: "hello.wasm", wasm, ...(pluginYaml === undefined ? {} : { pluginYaml }) };
}

test("a module without a manifest can be used", async () => {
  const inspection = inspectPlugin(await hello());
  expect(inspection).toMatchObject({ ok: true, problems: [] });
  expect(inspectionText(inspection)).toContain("✓ Envoy 1.40 loads it");
});

test("a manifest of another module is told", async () => {
  const { ok, problems } = inspectPlugin(await hello(manifest()));
  expect(ok).toBe(true);
  expect(problems.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^the manifest's capabilities do not list .*proxy_log/),
    expect.stringMatching(/^the manifest's callbacks do not list .*proxy_on_response_headers/),
  ]);
});

test("a manifest that cannot be read makes it useless", async () => {
  const inspection = inspectPlugin(await hello("name: Bad\nversion: 1.0.0\n"));
  expect(inspection.ok).toBe(false);
  expect(inspectionText(inspection)).toContain('✗ plugin.yaml:1: field "name" is "Bad"');
});

test("a series of failures, and one that the plugin counts itself, are told apart from others", async () => {
  const series = [
    "{ name: a_total, type: counter, labels: { code: '%RESPONSE_CODE%' } }",
    "{ name: b_failures_total, type: counter, countedBy: plugin, failure: true }",
    "{ name: c_failures_total, type: counter, value: '%X%', failure: true }",
  ];
  const text = inspectionText(inspectPlugin(await hello(manifest(`metrics: [${series.join(", ")}]\n`))));
  expect(text).toMatch(/metric +counter a_total\{code\}\n/);
  expect(text).toMatch(/metric +counter b_failures_total \(counted by the plugin; a failure: rollouts go back /);
  expect(text).toMatch(/metric +counter c_failures_total \(a failure: /);
});

test("errors come before warnings, and the verdict last", () => {
  const wasm = moduleWith([MARKER], [{ module: "env", name: "odd", parameters: [], results: [] }]);
  const inspection = inspectPlugin({ source: "x.wasm", wasm });
  const levels = inspection.problems.map(({ severity }) => severity);
  expect(levels).toEqual([...levels].sort());
  expect(inspectionText(inspection)).toMatch(/Verdict\n {2}✗ .*env\.odd\n(.*\n)+ {2}✗ it cannot be used$/);
  expect(inspectPlugin({ source: "x", wasm: Buffer.from("text") })).toMatchObject({ ok: false });
});

test("an image's digest, layers and annotations are shown, and its text cannot move the cursor", async () => {
  const text = inspectionText(
    inspectPlugin({
      ...(await hello(
        manifest(
          'description: "x\\e[2J"\nconfigSchema: {type: object, properties: {limit: {type: integer, minimum: 1, default: 5, description: "How\\e[31m many"}}, required: []}\n',
        ),
      )),
      image: {
        digest: "sha256:abc",
        layout: "weft",
        annotations: { b: "2\u001b[0m", a: "1" },
        layers: [{ mediaType: "application/x", digest: "sha256:def", size: 2048 }],
        extraFiles: ["README.md"],
      },
    }),
  );
  expect(text).toMatch(/digest +sha256:abc\n/);
  expect(text).toMatch(/layer +2\.0 KiB application\/x sha256:def\n +annotation +a = 1\n +annotation +b = 2/);
  expect(text).toMatch(/limit +integer +5 +at least 1 +How/);
  expect(text).not.toContain("\u001b");
});
