import { expect, test } from "vitest";
import { createEnvoyLineReader } from "./envoy-line.js";

const line = (level: string, component: string, text: string) =>
  `[2026-11-22 20:12:36.123][12][${level}][${component}] [source/a/b.cc:38] ${text}`;

test.each<[string, string, object | undefined]>([
  [
    "the plugin's log",
    line("info", "wasm", "wasm log hello hello: a: b"),
    { kind: "log", level: "info", message: "a: b" },
  ],
  [
    "an error of the runtime",
    line("error", "wasm", "Function: x failed"),
    { kind: "envoy", level: "error", message: "Function: x failed" },
  ],
  ["any error", line("critical", "main", "no"), { kind: "envoy", level: "critical", message: "no" }],
  [
    "a warning about the plugin",
    line("warning", "config", "gRPC config for wasm rejected"),
    { kind: "envoy", level: "warning", message: "gRPC config for wasm rejected" },
  ],
  ["another warning", line("warning", "main", "no limit of connections"), undefined],
  ["information", line("info", "wasm", "started"), undefined],
  ["what is not Envoy's", "starting: envoy", undefined],
  [
    "a request",
    '{"weft_access":"1","method":"GET","path":"/a","status":200,"duration_ms":3,"bytes":7,"details":"via_upstream","flags":"-"}',
    {
      kind: "access",
      method: "GET",
      path: "/a",
      status: 200,
      durationMs: 3,
      bytes: 7,
      details: "via_upstream",
      flags: "-",
    },
  ],
  [
    "a request without an answer",
    '{"weft_access":"1","method":"GET","path":"/a","status":0,"duration_ms":3,"bytes":0,"details":null,"flags":"DC"}',
    { kind: "access", method: "GET", path: "/a", status: 0, durationMs: 3, bytes: 0, details: "", flags: "DC" },
  ],
  ["a broken line of JSON", '{"weft_access":', undefined],
])("%s", (_, text, event) => {
  expect(createEnvoyLineReader()(text)).toEqual(event);
});

test("lines without a prefix belong to the one before, within a limit", () => {
  const read = createEnvoyLineReader();
  read(line("error", "wasm", "Function: x failed"));
  expect(read("  0:  0x3c6 - abort")).toEqual({ kind: "envoy", level: "error", message: "  0:  0x3c6 - abort" });
  const shown = Array.from({ length: 100 }, (_, i) => read(`more ${i}`)).filter((event) => event !== undefined);
  expect(shown).toHaveLength(29);
  expect(read(line("info", "main", "other"))).toBeUndefined();
  expect(read("what follows that")).toBeUndefined();
});
