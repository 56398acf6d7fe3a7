import { describe } from "vitest";
import { ack, resume, resumed, run, set, sub, unsub } from "./stream-table.contract.js";

describe("wildcards", () => {
  run([
    {
      rule: "an empty first subscription means everything",
      world: { "cluster/a": "1", "cluster/b": "2" },
      steps: [[sub("cluster"), ["cluster +a@1 +b@2"]]],
    },
    {
      rule: "* means everything",
      world: { "listener/a": "1", "listener/b": "2" },
      steps: [[sub("listener", "*"), ["listener +a@1 +b@2"]]],
    },
    {
      rule: "everything is answered, also if it is nothing",
      world: {},
      steps: [
        [sub("cluster"), ["cluster"]],
        [ack("cluster"), ["acked cluster"]],
        [set({ "cluster/a": "1" }), ["cluster +a@1"]],
      ],
    },
    {
      rule: "new names reach a wildcard",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [set({ "cluster/b": "1" }), ["cluster +b@1"]],
      ],
    },
    {
      rule: "only clusters and listeners can be had as a whole",
      world: { "endpoints/a": "1", "routes/a": "1", "extension/a": "1", "secret/a": "1" },
      steps: [
        [sub("endpoints"), []],
        [sub("routes", "*"), []],
        [sub("extension"), []],
        [sub("secret"), []],
        [set({ "routes/a": "2", "secret/a": "2" }), []],
        [sub("routes", "a"), ["routes +a@2"]],
      ],
    },
    {
      rule: "named first, then empty: not everything",
      world: { "cluster/a": "1", "cluster/b": "1" },
      steps: [
        [sub("cluster", "a"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [sub("cluster"), []],
        [set({ "cluster/b": "2" }), []],
      ],
    },
    {
      rule: "everything first, then a name: still everything",
      only: "incremental",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [ack("cluster", { subscribe: ["a"] }), ["acked cluster a@1", "cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [set({ "cluster/b": "1" }), ["cluster +b@1"]],
      ],
    },
    {
      rule: "* may come later",
      only: "incremental",
      world: { "cluster/a": "1", "cluster/b": "1" },
      steps: [
        [sub("cluster", "a"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [sub("cluster", "*"), ["cluster +a@1 +b@1"]],
      ],
    },
    {
      rule: "a later * is answered, also if there is nothing",
      only: "incremental",
      world: {},
      steps: [
        [sub("cluster", "a"), ["cluster -a"]],
        [ack("cluster"), ["acked cluster"]],
        [sub("cluster", "*"), ["cluster"]],
      ],
    },
    {
      rule: "without * only the named ones remain",
      only: "incremental",
      world: { "cluster/a": "1", "cluster/b": "1" },
      steps: [
        [sub("cluster", "*", "a"), ["cluster +a@1 +b@1"]],
        [ack("cluster"), ["acked cluster a@1 b@1"]],
        [unsub("cluster", "*"), []],
        [set({ "cluster/a": "2", "cluster/b": "2" }), ["cluster +a@2"]],
      ],
    },
    {
      rule: "the first version's wildcard can be dropped as *",
      only: "incremental",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [ack("cluster", { unsubscribe: ["*"] }), ["acked cluster a@1"]],
        [set({ "cluster/a": "2" }), []],
      ],
    },
    {
      rule: "dropping a name under * is answered with the resource",
      only: "incremental",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster", "*", "a"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [unsub("cluster", "a"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [set({ "cluster/a": "2" }), ["cluster +a@2"]],
      ],
    },
    {
      rule: "dropping a name under * that is gone is answered with its removal",
      only: "incremental",
      world: {},
      steps: [
        [sub("cluster", "*", "a"), ["cluster -a"]],
        [ack("cluster"), ["acked cluster"]],
        [unsub("cluster", "a"), ["cluster -a"]],
      ],
    },
  ]);
});

describe("reconnect", () => {
  run([
    {
      rule: "what the client has is not sent again, and counts as acknowledged",
      world: { "cluster/a": "1", "cluster/b": "1" },
      steps: [[resume("cluster", ["*"], { a: "1", b: "1" }), ["acked cluster a@1 b@1"]]],
    },
    {
      rule: "only what differs or is missing is sent",
      only: "incremental",
      world: { "cluster/a": "1", "cluster/b": "2", "cluster/c": "1" },
      steps: [[resume("cluster", ["*"], { a: "1", b: "1" }), ["acked cluster a@1 b@1", "cluster +c@1 +b@2"]]],
    },
    {
      rule: "names that no longer exist are removed",
      only: "incremental",
      world: { "listener/a": "1" },
      steps: [[resume("listener", ["*"], { a: "1", gone: "1" }), ["acked listener a@1 gone@1", "listener -gone"]]],
    },
    {
      rule: "clusters that no longer exist stay until what refers to them has come",
      only: "incremental",
      world: { "cluster/b": "1", "listener/l": "1", "routes/r": "2", "extension/s": "1" },
      steps: [
        [resume("cluster", ["*"], { gone: "1" }), ["acked cluster gone@1", "cluster +b@1"]],
        [resume("endpoints", ["gone"], { gone: "1" }), ["acked endpoints gone@1"]],
        [resume("listener", ["*"], { l: "1" }), ["acked listener l@1"]],
        [resume("routes", ["r"], { r: "1" }), ["acked routes r@1"]],
        [ack("cluster"), ["acked cluster b@1", "routes +r@2"]],
        [ack("routes"), ["acked routes r@2"]],
        [resume("extension", ["s"], { s: "1" }), ["acked extension s@1", "cluster -gone", "endpoints +gone@none"]],
      ],
    },
    {
      rule: "clusters that no longer exist go after a while from a client that uses no more types",
      only: "incremental",
      world: { "cluster/a": "1" },
      steps: [
        [resume("cluster", ["*"], { a: "1", gone: "1" }), ["acked cluster a@1 gone@1"]],
        [resumed, ["cluster -gone"]],
      ],
    },
    {
      rule: "versions count also with the first version's wildcard",
      world: { "listener/a": "1" },
      steps: [[resume("listener", [], { a: "1" }), ["acked listener a@1"]]],
    },
    {
      rule: "a named type likewise",
      only: "incremental",
      world: { "routes/a": "2", "routes/b": "1" },
      steps: [[resume("routes", ["a", "b"], { a: "1", b: "1" }), ["acked routes a@1 b@1", "routes +a@2"]]],
    },
    {
      rule: "a name without a version is sent",
      only: "incremental",
      world: { "routes/a": "1", "routes/b": "1" },
      steps: [[resume("routes", ["a", "b"], { a: "1" }), ["acked routes a@1", "routes +b@1"]]],
    },
    {
      rule: "versions of names that are not subscribed mean nothing",
      only: "incremental",
      world: { "routes/a": "1", "routes/b": "1" },
      steps: [
        [resume("routes", ["a"], { a: "1", b: "1" }), ["acked routes a@1"]],
        [set({ "routes/b": "2" }), []],
      ],
    },
    {
      rule: "versions count in the first request of a type only",
      world: { "routes/a": "1", "routes/b": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [ack("routes"), ["acked routes a@1"]],
        [resume("routes", ["b"], { b: "1" }), ["routes +b@1"]],
      ],
    },
    {
      rule: "a new name in the same request does not wait for news of others",
      only: "incremental",
      world: { "cluster/b": "1", "routes/r": "2", "routes/q": "1" },
      steps: [
        [resume("cluster", ["*"], {}), ["cluster +b@1"]],
        [resume("routes", ["r", "q"], { r: "1" }), ["acked routes r@1", "routes +q@1"]],
        [ack("cluster"), ["acked cluster b@1"]],
        [ack("routes"), ["acked routes q@1", "routes +r@2"]],
      ],
    },
    {
      rule: "endpoints that are gone become none",
      only: "incremental",
      world: {},
      steps: [[resume("endpoints", ["a"], { a: "1" }), ["acked endpoints a@1", "endpoints +a@none"]]],
    },
    {
      rule: "endpoints that were none and still are: silence",
      only: "incremental",
      world: {},
      steps: [[resume("endpoints", ["a"], { a: "none" }), ["acked endpoints a@none"]]],
    },
    {
      rule: "a cluster that changed meanwhile gets its endpoints again, though the client has them",
      only: "incremental",
      world: { "cluster/a": "2", "cluster/b": "1", "endpoints/a": "1", "endpoints/b": "1" },
      steps: [
        [resume("cluster", ["*"], { a: "1", b: "1" }), ["acked cluster a@1 b@1", "cluster +a@2"]],
        [resume("endpoints", ["a", "b"], { a: "1", b: "1" }), ["acked endpoints a@1 b@1", "endpoints +a@1"]],
      ],
    },
    {
      rule: "a slot that the client has keeps silent while its bytes are absent",
      only: "incremental",
      world: { "extension/s": "2?f" },
      steps: [
        [resume("extension", ["s"], { s: "1" }), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
      ],
    },
    {
      rule: "a slot that is current needs no bytes",
      world: { "extension/s": "1?f" },
      steps: [
        [resume("extension", ["s"], { s: "1" }), ["acked extension s@1"]],
        [set({ "extension/s": "1" }), []],
      ],
    },
    {
      rule: "a slot that does not exist any more is left to the client, whose listener may drain",
      only: "incremental",
      world: {},
      steps: [[resume("extension", ["s"], { s: "1" }), ["acked extension s@1"]]],
    },
  ]);
});

describe("subscriptions by name", () => {
  run([
    {
      rule: "a name that the client has is answered again, unchanged",
      only: "incremental",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [ack("routes"), ["acked routes a@1"]],
        [sub("routes", "a"), ["routes +a@1"]],
      ],
    },
    {
      rule: "a name that does not exist is answered at once and stays subscribed",
      only: "incremental",
      world: {},
      steps: [
        [sub("routes", "a"), ["routes -a"]],
        [ack("routes"), ["acked routes"]],
        [set({ "routes/a": "1" }), ["routes +a@1"]],
      ],
    },
    {
      rule: "a name that still does not exist is not mentioned twice",
      only: "incremental",
      world: {},
      steps: [
        [sub("secret", "a"), ["secret -a"]],
        [ack("secret"), ["acked secret"]],
        [set({ "secret/a": null }), []],
      ],
    },
    {
      rule: "endpoints that do not exist are none",
      world: {},
      steps: [
        [sub("endpoints", "a"), ["endpoints +a@none"]],
        [ack("endpoints"), ["acked endpoints a@none"]],
        [set({ "endpoints/a": "1" }), ["endpoints +a@1"]],
      ],
    },
    {
      rule: "a removed name that returns is sent",
      only: "incremental",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [ack("routes"), ["acked routes a@1"]],
        [set({ "routes/a": null }), ["routes -a"]],
        [ack("routes"), ["acked routes"]],
        [set({ "routes/a": "1" }), ["routes +a@1"]],
      ],
    },
    {
      rule: "an unsubscribed name gets nothing, and everything when it is subscribed again",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [ack("routes", { unsubscribe: ["a"] }), ["acked routes a@1"]],
        [set({ "routes/a": "2" }), []],
        [set({ "routes/a": "1" }), []],
        [sub("routes", "a"), ["routes +a@1"]],
      ],
    },
    {
      rule: "dropped and subscribed in one request: subscribed",
      only: "incremental",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [ack("routes", { unsubscribe: ["a"], subscribe: ["a"] }), ["acked routes a@1", "routes +a@1"]],
      ],
    },
    {
      rule: "a cluster on demand beside everything: unknown is answered, and pushed when it appears",
      only: "incremental",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster", "*"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [sub("cluster", "b"), ["cluster -b"]],
        [ack("cluster"), ["acked cluster"]],
        [set({ "cluster/b": "1" }), ["cluster +b@1"]],
      ],
    },
    {
      rule: "a name twice in a request is answered once",
      world: { "routes/a": "1" },
      steps: [[sub("routes", "a", "a"), ["routes +a@1"]]],
    },
    {
      rule: "changes of a type that the client never asked for are not sent",
      world: {},
      steps: [[set({ "cluster/a": "1", "listener/l": "1" }), []]],
    },
    {
      rule: "too many names end the stream",
      world: {},
      options: { maxNamesPerType: 2 },
      steps: [[sub("secret", "a", "b", "c"), ["abort: more than 2 subscribed names of type secret"]]],
    },
  ]);
});
