import type { MeshReport } from "@weft/control-plane/mesh-report";
import type { Diagnostic } from "@weft/control-plane/model/diagnostic";
import { expect, it } from "vitest";
import {
  certificatesCheck,
  checksText,
  diagnosticsCheck,
  envoyCheck,
  pluginsCheck,
  proxiesCheck,
} from "./mesh-checks.js";

const NOW = 1_700_000_000_000;
const report = (over: Partial<MeshReport>): MeshReport => ({
  controlPlane: { pid: 1, xds: "127.0.0.1:15012", startedAtMs: 0 },
  proxies: [],
  absent: [],
  handovers: [],
  warnings: [],
  ...over,
});

it.each([
  ["envoy  version: 0a1b/1.40.0/Clean/RELEASE/BoringSSL", true],
  ["envoy  version: 0a1b/1.41.2/Clean/RELEASE/BoringSSL", true],
  ["envoy  version: 0a1b/2.0.0/Clean/RELEASE/BoringSSL", true],
  ["envoy  version: 0a1b/1.39.1/Clean/RELEASE/BoringSSL", false],
  ["envoy  version: 0a1b/1.4.0-dev/Clean/RELEASE/BoringSSL", false],
  ["no Envoy at all", false],
])("%s: %s", (printed, ok) => {
  const check = envoyCheck("/bin/envoy", printed);
  expect(check.ok).toBe(ok);
  expect(check.fix === undefined).toBe(ok);
});

it("a proxy that is not there is a cross", () => {
  expect(proxiesCheck(report({}), NOW)).toMatchObject({ ok: true, detail: "0 proxies in sync" });
  expect(proxiesCheck(report({ absent: [{ proxy: "default/a" }] }), NOW)).toMatchObject({
    ok: false,
    detail: "default/a absent",
    fix: "see why: weft status",
  });
});

it("a certificate that should have been replaced is a cross with the fix of the warning", () => {
  const warnings = [{ severity: "warning", certificate: "root", message: "ends soon", hint: "rotate it" }] as const;
  expect(certificatesCheck(report({ warnings }), NOW)).toMatchObject({
    ok: false,
    detail: "root: ends soon",
    fix: "rotate it",
  });
  expect(certificatesCheck(report({}), NOW)).toMatchObject({ ok: true });
});

it.each([
  [[], true],
  [[{ type: "Programmed", status: "True" }], true],
  [[{ type: "Verified", status: "False", message: "bad signature" }], false],
  [
    [
      { type: "Programmed", status: "True" },
      { type: "Degraded", status: "True", message: "falls" },
    ],
    false,
  ],
] as const)("a plugin with %j: %s", (conditions, ok) => {
  const plugins = conditions.length === 0 ? [] : [{ key: "default/x", conditions }];
  expect(pluginsCheck(plugins).ok).toBe(ok);
});

it("a plugin without a status is not ready", () => {
  expect(pluginsCheck([{ key: "default/x", conditions: [] }])).toMatchObject({
    ok: false,
    detail: "default/x is not ready",
  });
});

it("errors are a cross, warnings are told", () => {
  const found: Diagnostic = { severity: "warning", reason: "R", message: "m", hint: "h" };
  expect(diagnosticsCheck([found])).toMatchObject({ ok: true, detail: "0 errors, 1 warning" });
  expect(diagnosticsCheck([found, { ...found, severity: "error" }])).toMatchObject({
    ok: false,
    fix: "see all: weft analyze",
  });
});

it("is printed as ticks, and crosses with what to do", () => {
  expect(
    checksText([
      { name: "folder", ok: true, detail: "mesh" },
      { name: "plugins", ok: false, detail: "x", fix: "y" },
    ]),
  ).toBe("✓ folder        mesh\n✗ plugins       x\n  Fix: y");
});
