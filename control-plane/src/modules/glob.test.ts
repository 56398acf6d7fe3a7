import { expect, it } from "vitest";
import { matchesGlob } from "./glob.js";

it.each([
  ["ghcr.io", "ghcr.io", true],
  ["ghcr.io", "ghcrxio", false],
  ["*.example.com", "a.example.com", true],
  ["*.example.com", "a.b.example.com", true],
  ["*.example.com", "example.com", false],
  ["*", "127.0.0.1:5000", true],
  ["*", "a/b", false],
  ["ghcr.io/acme/*", "ghcr.io/acme/retry", true],
  ["ghcr.io/acme/*", "ghcr.io/acme/team/retry", false],
  ["ghcr.io/acme/*", "ghcr.io/acme/", true],
  ["ghcr.io/acme/**", "ghcr.io/acme/team/retry", true],
  ["ghcr.io/**/retry", "ghcr.io/a/b/retry", true],
  ["ghcr.io/**/retry", "ghcr.io/a/b/canary", false],
  ["**", "anything/at/all", true],
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
])("%j and %j: %s", (glob, text, expected) => {
  expect(matchesGlob(glob, text)).toBe(expected);
});

it("takes no time to speak of where a backtracking matcher would take for ever", () => {
  expect(matchesGlob(`${"**a".repeat(80)}b`, "a".repeat(500))).toBe(false);
});
