import { expect, test } from "vitest";
import { createDigester, digestOf, hasDigest, isDigest, parseDigest } from "./digest.js";

const ABC = new TextEncoder().encode("abc");
const ABC256 = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const ABC512 =
  "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

test("digests of the standard's example", () => {
  expect(digestOf(ABC)).toBe(ABC256);
  expect(digestOf(ABC, "sha512")).toBe(ABC512);
  expect(hasDigest(ABC, ABC256)).toBe(true);
  expect(hasDigest(ABC, ABC512)).toBe(true);
  expect(hasDigest(new Uint8Array([1]), ABC256)).toBe(false);
  expect(hasDigest(ABC, "md5:900150983cd24fb0d6963f7d28e17f72")).toBe(false);
});

test("piece by piece is the same", () => {
  const digester = createDigester();
  for (const byte of ABC) digester.update(Uint8Array.of(byte));
  expect(digester.digest()).toBe(ABC256);
});

test.each([
  [ABC256, true],
  [ABC512, true],
  ["", false],
  ["sha256", false],
  ["sha256:", false],
  [ABC256.toUpperCase(), false],
  [`${ABC256}0`, false],
  [ABC256.slice(0, -1), false],
  [ABC256.replace("sha256", "sha512"), false],
  [ABC256.replace("sha256", "constructor"), false],
  [` ${ABC256}`, false],
  [`sha256:${"g".repeat(64)}`, false],
  [`${ABC256}\n`, false],
])("isDigest(%j) is %s", (text, expected) => {
  expect(isDigest(text)).toBe(expected);
});

test("parseDigest", () => {
  expect(parseDigest(ABC256)).toEqual({ algorithm: "sha256", hex: ABC256.slice(7) });
});
