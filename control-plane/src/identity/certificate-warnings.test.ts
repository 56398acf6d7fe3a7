import { describe, expect, it } from "vitest";
import { BACK_DATE_MS } from "./authority-material.js";
import { certificateWarnings, type DatedCertificate } from "./certificate-warnings.js";

const DAY = 24 * 3_600_000;
const NOW = Date.UTC(2026, 0, 1);
/** With so much of its life left. */
const certificate = (role: DatedCertificate["role"], lifeMs: number, left: number): DatedCertificate => {
  const notAfterMs = NOW + lifeMs * left;
  return { role, name: "x", notBeforeMs: notAfterMs - lifeMs - BACK_DATE_MS, notAfterMs };
};

describe("certificateWarnings", () => {
  it.each<[DatedCertificate["role"], number, number, string | undefined]>([
    ["leaf", DAY, 0.5, undefined],
    ["leaf", DAY, 0.3, undefined],
    ["leaf", DAY, 0.2, "warning"],
    ["leaf", DAY, 0, "error"],
    ["leaf", DAY, -0.5, "error"],
    ["intermediate", 365 * DAY, 0.33, undefined],
    ["intermediate", 365 * DAY, 0.15, "warning"],
    ["root", 3650 * DAY, 0.2, undefined],
    ["root", 3650 * DAY, 0.05, "warning"],
    ["root", 3650 * DAY, 0, "error"],
  ])("a %s of %d ms with %d of its life left: %s", (role, lifeMs, left, severity) => {
    expect(certificateWarnings(NOW, [certificate(role, lifeMs, left)]).map((w) => w.severity)).toEqual(
      severity === undefined ? [] : [severity],
    );
  });

  it("says what to do", () => {
    expect(certificateWarnings(NOW, [certificate("root", 3650 * DAY, 0.05)])).toMatchObject([
      {
        certificate: "x",
        message: expect.stringContaining("should have been replaced"),
        hint: "run: weft identity rotate",
      },
    ]);
  });

  it("tells of a certificate that begins later", () => {
    const later = { ...certificate("leaf", DAY, 0.5), notBeforeMs: NOW + 1 };
    expect(certificateWarnings(NOW, [later])).toMatchObject([
      { severity: "error", hint: expect.stringContaining("clocks") },
    ]);
  });
});
