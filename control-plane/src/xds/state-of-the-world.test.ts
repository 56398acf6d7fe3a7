import { ALL, ack, CONNECTED, nack, type Row, resume, run, set, stale, sub, unsub } from "./stream-table.contract.js";

/** What only the older protocol has; the rules that both have are in the other tables. */
const ROWS: readonly Row[] = [
  {
    rule: "a request that crossed a response changes nothing: the client says it all again with its answer",
    world: { "endpoints/a": "1", "endpoints/b": "1" },
    steps: [
      [sub("endpoints", "a"), ["endpoints +a@1"]],
      [ack("endpoints"), ["acked endpoints a@1"]],
      [set({ "endpoints/a": "2" }), ["endpoints +a@2"]],
      [stale("endpoints", { subscribe: ["b"] }), []],
      [ack("endpoints"), ["acked endpoints a@2", "endpoints +b@1"]],
    ],
  },
  {
    rule: "a response of clusters has them all, however large, and what is missing is gone",
    world: { "cluster/a": "1", "cluster/b": "1", "cluster/c": "1" },
    options: { maxResponseBytes: 5 },
    steps: [
      [sub("cluster"), ["cluster +a@1 +b@1 +c@1"]],
      [ack("cluster"), ["acked cluster a@1 b@1 c@1"]],
      [set({ "cluster/b": null, "cluster/c": "2" }), ["cluster +c@2 -b"]],
    ],
  },
  {
    rule: "that something of another type is gone is not said, and what follows is not held up",
    world: { ...ALL },
    steps: [
      ...CONNECTED,
      [set({ "routes/r": null }), []],
      [set({ "routes/r": "3" }), ["routes +r@3"]],
      [ack("routes"), ["acked routes r@3"]],
    ],
  },
  {
    rule: "a name that does not exist is answered as soon as it does",
    world: {},
    steps: [
      [sub("routes", "r"), []],
      [set({ "routes/r": "1" }), ["routes +r@1"]],
      [ack("routes"), ["acked routes r@1"]],
    ],
  },
  {
    rule: "a refused cluster stays in later responses as it was",
    world: { "cluster/a": "1", "cluster/b": "1" },
    steps: [
      [sub("cluster"), ["cluster +a@1 +b@1"]],
      [ack("cluster"), ["acked cluster a@1 b@1"]],
      [set({ "cluster/a": "2" }), ["cluster +a@2"]],
      [nack("cluster"), ["nacked cluster a@2: bad"]],
      [set({ "cluster/b": "2" }), ["cluster +a@1 +b@2"]],
    ],
  },
  {
    rule: "a refused cluster that is new is left out of later responses",
    world: { "cluster/a": "1" },
    steps: [
      [sub("cluster"), ["cluster +a@1"]],
      [ack("cluster"), ["acked cluster a@1"]],
      [set({ "cluster/b": "1" }), ["cluster +b@1"]],
      [nack("cluster"), ["nacked cluster b@1: bad"]],
      [set({ "cluster/a": "2" }), ["cluster +a@2 -b"]],
    ],
  },
  {
    rule: "the wildcard of an empty list ends with the first name",
    world: { "cluster/a": "1", "cluster/b": "1" },
    steps: [
      [sub("cluster"), ["cluster +a@1 +b@1"]],
      [ack("cluster", { subscribe: ["a"] }), ["acked cluster a@1 b@1", "cluster -b"]],
      [ack("cluster"), ["acked cluster a@1"]],
      [set({ "cluster/a": "2", "cluster/b": "2" }), ["cluster +a@2"]],
    ],
  },
  {
    rule: "a client that comes back with something old gets all anew",
    world: { "cluster/a": "2", "cluster/b": "1" },
    steps: [[resume("cluster", ["*"], { a: "1", b: "1", gone: "1" }), ["cluster +a@2 -gone"]]],
  },
  {
    rule: "a client that comes back keeps a slot whose bytes cannot be had now",
    world: { "extension/s": "2?f", "extension/t": "2" },
    steps: [
      [resume("extension", ["s", "t"], { s: "1", t: "1" }), ["acked extension s@unknown", "extension +t@2"]],
      [ack("extension"), ["acked extension t@2"]],
      [set({ "extension/s": "2" }), ["extension +s@2"]],
    ],
  },
  {
    rule: "a name that is dropped and wanted again is sent again",
    world: { "routes/a": "1", "routes/b": "1" },
    steps: [
      [sub("routes", "a", "b"), ["routes +a@1 +b@1"]],
      [ack("routes", { unsubscribe: ["a"] }), ["acked routes a@1 b@1"]],
      [unsub("routes", "b"), []],
      [set({ "routes/a": "2", "routes/b": "2" }), []],
      [sub("routes", "a"), ["routes +a@2"]],
    ],
  },
];

run(ROWS.map((row) => ({ ...row, only: "state-of-the-world" })));
