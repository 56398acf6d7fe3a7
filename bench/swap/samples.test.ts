import { expect, test } from "vitest";
import { columns, rows, shortcomings } from "./report.js";
import { type FaultSample, faultSample, type Sighting, type SwapSample, swapSample } from "./samples.js";

const sent = { envoyBytes: 1000, clientBytes: 5000, slots: { "default/envoy-0 in": "a", "default/envoy-1 in": "a" } };

function sighting(change: {
  load?: Partial<Sighting["load"]>;
  fleet?: Partial<Sighting["fleet"]>;
  after?: Partial<Sighting["after"]>;
}): Sighting {
  const load = { requests: 100, failed: 0, unfiltered: 0, failures: [], ...change.load };
  const targets = [
    { name: "envoy-0", firstNewMs: 1040, lastOldMs: 1035 },
    { name: "envoy-1", firstNewMs: 1060, lastOldMs: 1071 },
  ];
  return {
    load: { targets, ...load },
    fleet: {
      swapped: 3,
      firstMs: 1020,
      lastMs: 1055,
      versions: { in: ["b"] },
      bytes: {},
      wireBytes: 700,
      lost: 0,
      ...change.fleet,
    },
    before: sent,
    after: { ...sent, envoyBytes: 1200, clientBytes: 5600, ...change.after },
  };
}

const applied = { atMs: 1080, proxies: 5, rejected: 0, tookMs: 65 };
const good = swapSample(1000, sighting({}), applied);

test("a swap's times are from the end of the push, its bytes those sent in it", () => {
  expect(good).toEqual({
    envoysApplied: 2,
    clientsApplied: 3,
    firstEnvoyMs: 40,
    lastEnvoyMs: 60,
    lastOldAnswerMs: 71,
    acceptedMs: 15,
    firstClientMs: 20,
    lastClientMs: 55,
    lastAckMs: 80,
    refusedBy: 0,
    unequalSlots: 0,
    requests: 100,
    failed: 0,
    unfiltered: 0,
    failures: [],
    lostStreams: 0,
    envoyBytes: 200,
    clientBytes: 600,
    clientWireBytes: 700,
  } satisfies SwapSample);
});

const none = { targets: [{ name: "envoy-0" }, { name: "envoy-1" }] };
const quiet = { fleet: { swapped: 0, versions: {}, wireBytes: 30 }, after: sent };

test("an Envoy that never answered by the new version has no time", () => {
  const missed = swapSample(1000, sighting({ load: none, ...quiet }));
  expect(missed.envoysApplied).toBe(0);
  expect(missed).not.toHaveProperty("firstEnvoyMs");
  expect(missed).not.toHaveProperty("lastAckMs");
});

const harmless = faultSample("down", 1500, sighting({ load: none, ...quiet }));

test.each<[string, Parameters<typeof sighting>[0], Partial<FaultSample>]>([
  ["nothing", { load: none, ...quiet }, { envoysChanged: 0, clientsChanged: 0, envoyBytes: 0, clientBytes: 0 }],
  [
    "an Envoy answered by another version",
    { load: { targets: [{ name: "envoy-0", lastOldMs: 1 }] }, ...quiet },
    { envoysChanged: 1 },
  ],
  [
    "an Envoy acknowledged another slot",
    { load: none, ...quiet, after: { ...sent, slots: { "default/envoy-0 in": "a", "default/envoy-1 in": "b" } } },
    { envoysChanged: 1 },
  ],
  [
    "both, of the same Envoy",
    {
      load: { targets: [{ name: "envoy-1", lastOldMs: 1 }] },
      ...quiet,
      after: { ...sent, slots: { "default/envoy-0 in": "a", "default/envoy-1 in": "b" } },
    },
    { envoysChanged: 1 },
  ],
  ["a slot is gone", { load: none, ...quiet, after: { ...sent, slots: {} } }, { envoysChanged: 2 }],
  ["a simulated one got a slot", { load: none, fleet: { swapped: 2 }, after: sent }, { clientsChanged: 2 }],
])("a fault: %s", (_, change, expected) => {
  expect(faultSample("down", 1500, sighting(change))).toMatchObject(expected);
});

test.each<[string, Partial<SwapSample>, Partial<FaultSample>, RegExp[]]>([
  ["nothing wrong", {}, {}, []],
  [
    "failed",
    { failed: 1, failures: ["envoy-0: status 503"] },
    {},
    [/swap 1: 1 of 100 requests failed \(envoy-0: status 503\)/],
  ],
  ["unfiltered", {}, { unfiltered: 2 }, [/registry is down: 2 of 100 requests were not filtered/]],
  ["no load", { requests: 0 }, {}, [/swap 1: there were no requests/]],
  ["an Envoy missed", { envoysApplied: 1 }, {}, [/swap 1: 1 Envoys did not change/]],
  ["a client missed", { clientsApplied: 1 }, {}, [/swap 1: 2 simulated sidecars did not change/]],
  ["refused", { refusedBy: 1 }, {}, [/swap 1: 1 proxies refused it/]],
  ["unequal", { unequalSlots: 1 }, {}, [/different versions/]],
  ["lost streams", {}, { lostStreams: 1 }, [/lost their streams/]],
  ["changed in a fault", {}, { clientsChanged: 1, clientBytes: 9 }, [/1 proxies changed/, /9 bytes were sent/]],
])("shortcomings: %s", (_, swap, fault, expected) => {
  const found = shortcomings([{ ...good, ...swap }], [{ ...harmless, ...fault }], 2, 3);
  expect(found.length).toBe(expected.length);
  for (const [i, pattern] of expected.entries()) expect(found[i]).toMatch(pattern);
});

test("a swap that nobody acknowledged is a shortcoming", () => {
  const { lastAckMs: _, ...unacknowledged } = good;
  expect(shortcomings([unacknowledged], [], 2, 3)).toEqual(["swap 1: not all proxies acknowledged"]);
});

test("the table has the median, the worst end, and the faults beside them", () => {
  const table = rows([good, { ...good, lastEnvoyMs: 100, clientsApplied: 1 }, good], [harmless], 2, 3);
  const row = (name: string) => table.find((candidate) => candidate.name.startsWith(name));
  expect(row("last Envoy")).toEqual({
    name: "last Envoy answers by it, ms",
    median: "60",
    worst: "100",
    faults: ["–"],
  });
  expect(row("simulated that changed")).toMatchObject({ median: "3", worst: "1", faults: ["0"] });
  expect(row("the status")).toMatchObject({ median: "–", worst: "–", faults: ["1500"] });
  expect(row("sent to an Envoy")).toMatchObject({ median: "0.1", faults: ["0.0"] });
  expect(columns(3, [harmless]).map(({ title }) => title)).toEqual([
    "",
    "new version, median of 3",
    "worst",
    "registry is down",
  ]);
});

test("there is no median of times where one swap has none", () => {
  const { lastAckMs: _, ...unacknowledged } = good;
  const table = rows([good, unacknowledged], [], 2, 3);
  expect(table.find(({ name }) => name.startsWith("all have"))).toMatchObject({ median: "–", worst: "–" });
});
