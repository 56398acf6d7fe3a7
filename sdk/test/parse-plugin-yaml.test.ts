import { describe, expect, test } from "vitest";
import { formatDiagnostic, MAX_PLUGIN_YAML_BYTES, parsePluginYaml } from "../build/index.js";

const messages = (text: string): string[] => {
  const parsed = parsePluginYaml(text);
  return parsed.ok ? [] : parsed.diagnostics.map(formatDiagnostic);
};

test("what is left out has a default", () => {
  expect(parsePluginYaml("name: a\nversion: 1.0.0\n")).toEqual({
    ok: true,
    manifest: {
      name: "a",
      version: "1.0.0",
      rootId: "a",
      abi: "0.2.1",
      side: "both",
      phase: "default",
      stateVersion: 1,
      requires: [],
      metrics: [],
    },
  });
});

test("everything that can be said", () => {
  const manifest = {
    name: "rate-limit",
    version: "1.2.3-rc.1+build",
    description: "One line.",
    rootId: "limiter",
    abi: "0.2.1",
    side: "server",
    phase: "authz",
    stateVersion: 4,
    requires: ["subsetRoutes", "retryBackoff"],
    metrics: [
      { name: "a_total", type: "counter", labels: {} },
      { name: "a_failures_total", type: "counter", countedBy: "plugin", failure: true, labels: {} },
      { name: "b_ms", type: "histogram", value: "%DURATION%", labels: { code: "%RESPONSE_CODE%" } },
    ],
    capabilities: ["proxy_log"],
    callbacks: ["proxy_on_log"],
    configSchema: { type: "object", properties: {}, additionalProperties: false },
  };
  expect(parsePluginYaml(JSON.stringify(manifest))).toEqual({ ok: true, manifest });
});

const GOOD = "name: a\nversion: 1.0.0\n";

describe("what is refused", () => {
  test.each([
    ["", ["plugin.yaml: error: the manifest must be a YAML mapping"]],
    ["name: [\n", [/plugin\.yaml:2:1: error: /]],
    ["version: 1.0.0\n", [/field "name" is missing; it must be lower-case letters/]],
    [
      "name: A_b\nversion: 1.0.0\n",
      ['plugin.yaml:1:1: error: field "name" is "A_b"; it must be lower-case letters, digits and hyphens, at most 63'],
    ],
    [
      "name: a\nversion: 1.0\n",
      ['plugin.yaml:2:1: error: field "version" is 1; it must be a semantic version such as 1.2.3'],
    ],
    [`${GOOD}sides: client\n`, [/plugin\.yaml:3:1: error: field "sides" is unknown; known fields: name, version,/]],
    [`${GOOD}side: left\n`, ['plugin.yaml:3:1: error: field "side" is "left"; it must be client, server, both']],
    [
      `${GOOD}phase: AUTHN\n`,
      ['plugin.yaml:3:1: error: field "phase" is "AUTHN"; it must be authn, authz, stats, default'],
    ],
    [`${GOOD}abi: 0.2.0\n`, ['plugin.yaml:3:1: error: field "abi" is "0.2.0"; it must be 0.2.1']],
    [`${GOOD}stateVersion: 0\n`, ['plugin.yaml:3:1: error: field "stateVersion" is 0; it must be an integer from 1']],
    [
      `${GOOD}requires: [subsets]\n`,
      ['plugin.yaml:3:12: error: field "requires[0]" is "subsets"; it must be subsetRoutes, retryBackoff'],
    ],
    [`${GOOD}requires: subsetRoutes\n`, ['plugin.yaml:3:1: error: field "requires" must be a list of at most 2 items']],
    [
      `${GOOD}metrics:\n- {name: 1a, type: counter}\n`,
      ['plugin.yaml:4:4: error: field "metrics[0].name" is "1a"; it must be a Prometheus metric name'],
    ],
    [
      `${GOOD}metrics:\n- {name: a, type: gauge}\n`,
      ['plugin.yaml:4:13: error: field "metrics[0].type" is "gauge"; it must be counter, histogram'],
    ],
    [
      `${GOOD}metrics:\n- {name: a, type: histogram}\n`,
      ['plugin.yaml:4:3: error: field "metrics[0].value" is missing; a histogram needs what it records'],
    ],
    [
      `${GOOD}metrics:\n- {name: a, type: counter, countedBy: plugin, value: "%X%"}\n`,
      [/metric "a" is counted by the plugin; field "value" is for those of the proxy/],
    ],
    [
      `${GOOD}metrics:\n- {name: a_failures, type: counter, countedBy: plugin, failure: true}\n`,
      [
        /plugin\.yaml:4:4: error: metric "a_failures" counts failures; the name of such a series ends in _failures_total/,
      ],
    ],
    [
      `${GOOD}metrics:\n- {name: a_failures_total, type: histogram, countedBy: plugin, failure: true}\n`,
      [/metric "a_failures_total" is a histogram; only a counter can count failures/],
    ],
    [
      `${GOOD}metrics:\n- {name: a_failures_total, type: counter, failure: true}\n`,
      [/metric "a_failures_total" would count every stream as a failure; give a value/],
    ],
    [
      `${GOOD}metrics:\n- {name: a_failures_total, type: counter, countedBy: plugin, failure: yes}\n`,
      [/field "metrics\[0\]\.failure" is "yes"; it must be true or false/],
    ],
    [`${GOOD}metrics:\n- {name: a, type: counter, labels: {a-b: x}}\n`, [/"a-b" is not a Prometheus label name/]],
    [
      `${GOOD}metrics:\n- {name: a, type: counter, labels: {a: 1}}\n`,
      [/field "metrics\[0\]\.labels\.a" is 1; it must be an Envoy format string/],
    ],
    [
      `${GOOD}metrics:\n- {name: a, type: counter}\n- {name: a, type: counter}\n`,
      [/plugin\.yaml:5:4: error: metric "a" is declared twice/],
    ],
    [
      `${GOOD}metrics:\n- {name: a, type: counter, unit: s}\n`,
      [/field "metrics\[0\]\.unit" is unknown; known fields: name, type, value, labels/],
    ],
    [
      `${GOOD}capabilities: [Proxy-Log]\n`,
      [/field "capabilities\[0\]" is "Proxy-Log"; it must be the name of a function/],
    ],
    [`${GOOD}configSchema: {type: string}\n`, [/field "configSchema" must be a JSON schema of type object/]],
    ["name: &a x\nversion: *a\n", [/aliases are not allowed/]],
    ["name: a\nname: b\nversion: 1.0.0\n", [/plugin\.yaml:2:1: error: .*unique/]],
    [`name: B\nversion: x\nside: up\n`, [/"name"/, /"version"/, /"side"/]],
    ["x".repeat(MAX_PLUGIN_YAML_BYTES + 1), [/larger than 262144 bytes/]],
  ])("%j", (text, expected) => {
    const found = messages(text);
    expect(found).toHaveLength(expected.length);
    expected.forEach((message, i) => {
      if (typeof message === "string") expect(found[i]).toBe(message);
      else expect(found[i]).toMatch(message);
    });
  });
});
