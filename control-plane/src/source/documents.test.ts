import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { formatDiagnostic } from "../model/diagnostic.js";
import { readDocuments } from "./documents.js";
import { DEFAULT_LIMITS } from "./limits.js";
import { ObjectFiles } from "./object-files.js";

const OPTIONS = { standalone: true, limits: DEFAULT_LIMITS };
const INVALID = new URL("../../../examples/invalid/", import.meta.url);

/** What is said of each file, as `line reason field`; of those that are wrong only together with others, nothing. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "bad-authentication.yaml": [
    "8 MissingField spec.jwtRules[0].jwksUri",
    "10 InvalidKeys spec.jwtRules[1].jwks",
    "12 InvalidUrl spec.jwtRules[2].jwksUri",
    "19 OutOfRange spec.portLevelMtls.http",
  ],
  "bad-authorization.yaml": [
    "11 MissingField spec.rules[0].from[0].source",
    "11 UnknownField spec.rules[0].from[0].principals",
    "13 InvalidValue spec.rules[0].from[1].source.principals[0]",
    "16 InvalidValue spec.rules[0].to[0].operation.methods[0]",
    "17 WrongType spec.rules[0].to[0].operation.ports[0]",
    "18 InvalidPath spec.rules[0].to[0].operation.paths[0]",
    "18 InvalidPath spec.rules[0].to[0].operation.paths[1]",
    "18 InvalidPath spec.rules[0].to[0].operation.paths[2]",
    "20 UnknownKey spec.rules[0].when[0].key",
    "27 UnsupportedValue spec.action",
  ],
  "bad-callout.yaml": [
    "12 ConflictingFields spec.callouts[0].tls",
    "14 DuplicateName spec.callouts[2].name",
    "14 InvalidHost spec.callouts[2].host",
  ],
  "bad-failure-series.yaml": [
    "8 InvalidName spec.metrics[0].name",
    "9 MissingField spec.metrics[1].value",
    "10 InvalidValue spec.metrics[2].value",
  ],
  "bad-rollout.yaml": ["10 InvalidOrder spec.rollout.steps[1].weight", "11 InvalidValue spec.rollout.maxFailures"],
  "bad-sidecar.yaml": [
    "6 UnknownField spec.workloadSelector.matchLabels",
    "8 InvalidHost spec.egress[0].hosts[0]",
    "8 InvalidHost spec.egress[0].hosts[1]",
    "9 UnsupportedField spec.egress[0].port",
    "10 UnsupportedField spec.ingress",
  ],
  "bad-route-target.yaml": [
    "7 ConflictingFields spec.type",
    "8 ConflictingFields spec.targetRefs",
    "11 UnknownField spec.targetRefs[2].sectionName",
    "13 ConflictingFields spec.match[0].mode",
    "14 ConflictingFields spec.match[0].ports",
  ],
  "bad-target.yaml": [
    "8 ConflictingFields spec.targetRefs",
    "10 UnsupportedValue spec.targetRefs[1].kind",
    "12 ConflictingFields spec.match[0].mode",
  ],
  "bad-plugin.yaml": [
    "6 UnsupportedValue spec.url",
    "7 InvalidDigest spec.sha256",
    "8 InvalidValue spec.phase",
    "9 WrongType spec.priority",
    "12 OutOfRange spec.match[0].ports[0].number",
  ],
  "bad-rule.yaml": [
    "10 InvalidPath spec.http[0].redirect.uri",
    "12 WrongType spec.http[1].fault.abort.percentage",
    "13 InvalidFormat spec.http[1].headers.request.set.x-share",
    "14 InvalidValue spec.http[1].rewrite.uriRegexRewrite.rewrite",
  ],
  "bad-regex.yaml": ["9 InvalidRegex spec.http[0].match[0].uri.regex"],
  "destination-rule.yaml": [
    "9 InvalidValue spec.trafficPolicy.loadBalancer.consistentHash.maglev.tableSize",
    "13 WeightSum spec.trafficPolicy.loadBalancer.localityLbSetting.distribute[0].to",
    "14 UnknownField spec.trafficPolicy.connectionPool.maxConnections",
    "15 UnknownField spec.trafficPolicy.outlierDetection.consecutiveErrors",
    "18 UnsupportedField spec.trafficPolicy.tls.credentialName",
  ],
  "dns-without-interception.yaml": ['6 InvalidValue metadata.annotations["weft.mesh/capture-dns"]'],
  "gateway-route.yaml": [
    "8 InvalidPath spec.rules[0].matches[0].path.value",
    "12 Conflict spec.rules[1].backendRefs",
    "14 UnsupportedValue spec.rules[2].filters[0].type",
  ],
  "telemetry.yaml": [
    "7 InvalidExpression spec.accessLogging[0].filter.expression",
    "9 OutOfRange spec.tracing[0].randomSamplingPercentage",
    "10 UnsupportedField spec.metrics",
  ],
  "duplicate-object.yaml": ["7 DuplicateObject "],
  "missing-image.yaml": [],
  "misspelt-kind.yaml": ["3 UnknownKind kind"],
  "service-entry.yaml": [
    "6 InvalidHost spec.hosts[0]",
    "15 MissingField spec.ports[0].number",
    "15 UnknownField spec.ports[0].port",
    "16 InvalidValue spec.endpoints",
  ],
  "syntax-error.yaml": ["7 SyntaxError "],
  "unknown-field.yaml": ["8 MissingField spec.http[0].route", "8 UnknownField spec.http[0].routes"],
  "mesh-policy.yaml": [
    "7 MissingField spec.plugins.verification",
    "8 InvalidGlob spec.plugins.registries[0]",
    "9 WrongType spec.accessLog",
  ],
  "plugin-trust.yaml": [
    "9 PrivateKey spec.verification.keys[0].pem",
    "13 InvalidQuantity spec.limits.memory",
    "14 InvalidName spec.capabilities[1]",
    "16 UnsupportedValue spec.vmConfig.env[0].valueFrom",
  ],
  "unknown-subset.yaml": [],
  "two-actions.yaml": ["8 Conflict spec.http[0]"],
  "unsupported-field.yaml": ["8 UnsupportedField spec.http[0].fault.delay.exponentialDelay"],
  "unsupported-kind.yaml": ["3 UnsupportedKind kind"],
  "weight-sum.yaml": ["8 WeightSum spec.http[0].route"],
  "wrong-type.yaml": ["7 WrongType spec.labels.version"],
};

describe("examples/invalid", () => {
  const files = readdirSync(INVALID).filter((file) => file.endsWith(".yaml"));

  test("has the files that are tested", () => {
    expect(files.sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  test.each(files)("%s", (file) => {
    const reading = readDocuments(readFileSync(new URL(file, INVALID), "utf8"), file, OPTIONS);
    const held = new ObjectFiles();
    const diagnostics = held
      .update(new Map([[file, reading]]))
      .flatMap((event) => (event.kind === "diagnostics" ? event.diagnostics : []));
    const brief = diagnostics.map(({ line, reason, field = "" }) => `${line} ${reason} ${field}`);
    expect(brief.sort(byNumber)).toEqual(EXPECTED[file]);
    for (const diagnostic of diagnostics) {
      expect(diagnostic.file).toBe(file);
      expect(diagnostic.hint).not.toBe("");
      expect(formatDiagnostic(diagnostic)).toMatch(/^[a-z-]+\.yaml:\d+: .+ \(\w+\)\. Fix: .+/);
    }
  });
});

function byNumber(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);
}

const RULE = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec: {host: b}\n";

describe("texts that attack the reader", () => {
  test.each([
    ["deep nesting", "[".repeat(200_000)],
    [
      "aliases of aliases",
      `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `${"bcdefghij"[i]}: &${"bcdefghij"[i]} [${Array(9).fill(`*${"abcdefghi"[i]}`).join(",")}]`).join("\n")}\n`,
    ],
    [
      "a circle",
      "apiVersion: weft.mesh/v1alpha1\nkind: WasmPlugin\nmetadata: {name: a}\nspec: {url: r.example/p, pluginConfig: &x {a: *x}}",
    ],
    [
      "a prototype",
      "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\n__proto__: {spec: {}}\n",
    ],
    ["two keys of one name", `${RULE}spec: {host: c}\n`],
    ["keys that are lists", "? [a, b]\n: c\n"],
    ["an unknown tag", "apiVersion: !!js/function 'x'\n"],
  ])("%s ends in a diagnostic", (_, text) => {
    const { diagnostics, objects } = readDocuments(text, "a.yaml", OPTIONS);
    expect(diagnostics.length).toBeGreaterThan(0);
    expect(objects.every(({ object }) => object === undefined)).toBe(true);
  });

  test("too many documents are refused", () => {
    const limits = { ...DEFAULT_LIMITS, maxDocuments: 2 };
    const { diagnostics, objects } = readDocuments(`${RULE}---\n${RULE}---\n${RULE}`, "a.yaml", {
      standalone: true,
      limits,
    });
    expect(diagnostics).toMatchObject([{ reason: "TooLarge" }]);
    expect(objects).toEqual([]);
  });
});

test.each([
  ["nothing", ""],
  ["comments", "# a\n---\n# b\n"],
  ["empty documents", "---\n---\n"],
])("a file with %s holds no objects and no mistake", (_, text) => {
  expect(readDocuments(text, "a.yaml", OPTIONS)).toEqual({
    parsed: true,
    complete: true,
    objects: [],
    diagnostics: [],
  });
});

test("merge keys are read as kubectl reads them", () => {
  const text = `${RULE.replace("spec: {host: b}", "spec: {<<: &base {host: b}}")}`;
  expect(readDocuments(text, "a.yaml", OPTIONS).objects[0]?.object).toMatchObject({ kind: "DestinationRule" });
});
