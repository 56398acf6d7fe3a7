import { describe, expect, it } from "vitest";
import { mkServed } from "../../../test/builders.js";
import type { Trial } from "./host-trial.js";
import { Proofs } from "./proofs.js";

const signal = new AbortController().signal;
const REFUSED: Trial = { problem: { reason: "R", message: "m" } };
const LATE: Trial = { problem: { reason: "T", message: "m", transient: true } };

/** Proofs whose pre-flights end so, one after the other, and the attempts that were made. */
function proofsOf(...results: readonly Trial[]) {
  const attempts: number[] = [];
  const left = [...results];
  const proofs = new Proofs("default/p", async (_key, _served, attempt) => {
    attempts.push(attempt);
    return left.shift() ?? expect.fail("one pre-flight too many");
  });
  return { proofs, attempts };
}

describe("a version", () => {
  it.each<[string, Trial]>([
    ["that passed", {}],
    ["that was refused", REFUSED],
    ["that could not be proven", { unproven: "old engine" }],
  ])("%s is not tried again", async (_name, result) => {
    const { proofs, attempts } = proofsOf(result);
    for (let n = 0; n < 3; n++) expect(await proofs.prove(mkServed("p"), signal)).toEqual(result);
    expect(attempts).toEqual([0]);
  });

  it("that took too long is tried again with more time", async () => {
    const { proofs, attempts } = proofsOf(LATE, LATE, REFUSED);
    for (const expected of [LATE, LATE, REFUSED, REFUSED])
      expect(await proofs.prove(mkServed("p"), signal)).toEqual(expected);
    expect(attempts).toEqual([0, 1, 2]);
  });

  it("of an earlier run is known", async () => {
    const { proofs, attempts } = proofsOf();
    proofs.remember(mkServed("p", { unproven: "old engine" }));
    expect(await proofs.prove(mkServed("p"), signal)).toEqual({ unproven: "old engine" });
    expect(attempts).toEqual([]);
  });

  it.each<[string, Parameters<typeof mkServed>[1]]>([
    ["of another image", { digest: "sha256:other" }],
    ["with other series", { metrics: [{ name: "m", type: "counter", labels: {} }] }],
    ["with other content", { version: "p-v2" }],
  ])("%s is another", async (_name, over) => {
    const { proofs, attempts } = proofsOf({}, {});
    await proofs.prove(mkServed("p"), signal);
    await proofs.prove(mkServed("p", over), signal);
    expect(attempts).toEqual([0, 0]);
  });

  it("whose trial was given up is not known", async () => {
    const { proofs, attempts } = proofsOf({}, REFUSED);
    await proofs.prove(mkServed("p"), AbortSignal.abort());
    expect(await proofs.prove(mkServed("p"), signal)).toEqual(REFUSED);
    expect(attempts).toEqual([0, 0]);
  });
});
