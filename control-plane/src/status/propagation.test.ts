import { describe, expect, it } from "vitest";
import { createPropagation, type Propagated, type Propagation, propagationKey } from "./propagation.js";

/** What happens, at a time in milliseconds. */
type Step =
  | {
      readonly begin: string;
      readonly expects: Readonly<Record<string, Readonly<Record<string, string>>>>;
      readonly at: number;
    }
  | { readonly ack: string; readonly versions: Readonly<Record<string, string>>; readonly at: number }
  | { readonly nack: string; readonly versions: Readonly<Record<string, string>>; readonly at: number }
  | { readonly gone: string; readonly at: number };

const map = (record: Readonly<Record<string, string>>) => new Map(Object.entries(record));
const keyed = (record: Readonly<Record<string, string>>) =>
  new Map(Object.entries(record).map(([name, version]) => [propagationKey("routes", name), version]));

function play(propagation: Propagation, step: Step): readonly Propagated[] {
  if ("ack" in step) return propagation.acked(step.ack, "routes", map(step.versions), step.at);
  if ("nack" in step) return propagation.nacked(step.nack, "routes", map(step.versions), step.at);
  if ("gone" in step) return propagation.gone(step.gone, step.at);
  const expected = new Map(Object.entries(step.expects).map(([proxy, names]) => [proxy, keyed(names)]));
  propagation.begin(step.begin, expected, step.at);
  return [];
}

const BEGIN: Step = { begin: "c", expects: { a: { r: "2" }, b: { r: "2" } }, at: 100 };

describe("a change", () => {
  it.each<[string, readonly Step[], readonly Propagated[]]>([
    [
      "is through when the last proxy has answered",
      [BEGIN, { ack: "a", versions: { r: "2" }, at: 110 }, { ack: "b", versions: { r: "2" }, at: 130 }],
      [{ cause: "c", proxies: 2, rejected: 0, tookMs: 30 }],
    ],
    ["waits for all proxies", [BEGIN, { ack: "a", versions: { r: "2" }, at: 110 }], []],
    [
      "waits for the version that it brings",
      [BEGIN, { ack: "a", versions: { r: "1" }, at: 110 }, { ack: "b", versions: { r: "2" }, at: 120 }],
      [],
    ],
    [
      "waits for all its resources",
      [
        { begin: "c", expects: { a: { r: "2", s: "2" } }, at: 0 },
        { ack: "a", versions: { r: "2" }, at: 10 },
        { ack: "a", versions: { s: "2", other: "1" }, at: 20 },
      ],
      [{ cause: "c", proxies: 1, rejected: 0, tookMs: 20 }],
    ],
    [
      "counts a proxy that refuses as one that has answered",
      [BEGIN, { nack: "a", versions: { r: "2" }, at: 110 }, { ack: "b", versions: { r: "2" }, at: 120 }],
      [{ cause: "c", proxies: 2, rejected: 1, tookMs: 20 }],
    ],
    [
      "neither waits for a proxy that went nor counts it",
      [BEGIN, { ack: "a", versions: { r: "2" }, at: 110 }, { gone: "b", at: 150 }],
      [{ cause: "c", proxies: 1, rejected: 0, tookMs: 50 }],
    ],
    ["that nobody is left for is forgotten", [BEGIN, { gone: "a", at: 110 }, { gone: "b", at: 150 }], []],
    [
      "gives way to a newer one under the same names",
      [
        BEGIN,
        { begin: "d", expects: { a: { r: "3" }, b: { r: "3" } }, at: 105 },
        { ack: "a", versions: { r: "2" }, at: 106 },
        { ack: "a", versions: { r: "3" }, at: 110 },
        { ack: "b", versions: { r: "3" }, at: 111 },
      ],
      [{ cause: "d", proxies: 2, rejected: 0, tookMs: 6 }],
    ],
    [
      "stays beside one of other names, each with its own time",
      [
        { begin: "c", expects: { a: { r: "2" } }, at: 0 },
        { begin: "d", expects: { a: { s: "2" } }, at: 5 },
        { ack: "a", versions: { s: "2" }, at: 10 },
        { ack: "a", versions: { r: "2" }, at: 20 },
      ],
      [
        { cause: "d", proxies: 1, rejected: 0, tookMs: 5 },
        { cause: "c", proxies: 1, rejected: 0, tookMs: 20 },
      ],
    ],
    [
      "that expects nothing is not followed",
      [
        { begin: "c", expects: { a: {} }, at: 0 },
        { ack: "a", versions: { r: "1" }, at: 1 },
        { gone: "a", at: 2 },
      ],
      [],
    ],
    [
      "that nobody answers is forgotten after a minute",
      [
        BEGIN,
        { gone: "x", at: 60_100 },
        { ack: "a", versions: { r: "2" }, at: 60_101 },
        { ack: "b", versions: { r: "2" }, at: 60_102 },
      ],
      [],
    ],
    [
      "is told once",
      [
        { begin: "c", expects: { a: { r: "2" } }, at: 0 },
        { ack: "a", versions: { r: "2" }, at: 1 },
        { ack: "a", versions: { r: "2" }, at: 2 },
        { gone: "a", at: 3 },
      ],
      [{ cause: "c", proxies: 1, rejected: 0, tookMs: 1 }],
    ],
  ])("%s", (_name, steps, expected) => {
    const propagation = createPropagation();
    expect(steps.flatMap((step) => play(propagation, step))).toEqual(expected);
  });

  it("tells types apart that have a resource of one name", () => {
    const propagation = createPropagation();
    propagation.begin("c", new Map([["a", new Map([[propagationKey("cluster", "r"), "2"]])]]), 0);
    expect(propagation.acked("a", "endpoints", map({ r: "2" }), 1)).toEqual([]);
    expect(propagation.acked("a", "cluster", map({ r: "2" }), 2)).toHaveLength(1);
  });
});
