import { describe } from "vitest";
import { ack, bytesOf, nack, resume, run, set, stale, sub, unsub } from "./stream-table.contract.js";

describe("acknowledgements", () => {
  run([
    {
      rule: "a request with the nonce of the response acknowledges it",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
      ],
    },
    {
      rule: "a request with an error refuses it",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [nack("cluster", "no such filter"), ["nacked cluster a@1: no such filter"]],
      ],
    },
    {
      rule: "an error without a message is a refusal, too",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [nack("cluster", ""), ["nacked cluster a@1: "]],
      ],
    },
    {
      rule: "a stale nonce acknowledges nothing",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [stale("cluster", {}), []],
        [set({ "cluster/a": "2" }), []],
        [ack("cluster"), ["acked cluster a@1", "cluster +a@2"]],
      ],
    },
    {
      rule: "a stale nonce with an error refuses nothing",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [stale("cluster", { error: "late" }), []],
        [ack("cluster"), ["acked cluster a@1"]],
      ],
    },
    {
      rule: "a subscription counts although the nonce is stale",
      only: "incremental",
      world: { "endpoints/a": "1", "endpoints/b": "1" },
      steps: [
        [sub("endpoints", "a"), ["endpoints +a@1"]],
        [ack("endpoints"), ["acked endpoints a@1"]],
        [stale("endpoints", { subscribe: ["b"] }), ["endpoints +b@1"]],
      ],
    },
    {
      rule: "an unsubscription counts although the nonce is stale",
      only: "incremental",
      world: { "endpoints/a": "1" },
      steps: [
        [sub("endpoints", "a"), ["endpoints +a@1"]],
        [ack("endpoints"), ["acked endpoints a@1"]],
        [stale("endpoints", { unsubscribe: ["a"] }), []],
        [set({ "endpoints/a": "2" }), []],
      ],
    },
    {
      rule: "nonces belong to their type",
      world: { "cluster/a": "1", "listener/l": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [sub("listener"), ["listener +l@1"]],
        [(stream) => stream.request("listener", { responseNonce: "1" }), []],
        [ack("listener"), ["acked listener l@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
      ],
    },
    {
      rule: "an acknowledgement may carry subscriptions",
      world: { "endpoints/a": "1", "endpoints/b": "1" },
      steps: [
        [sub("endpoints", "a"), ["endpoints +a@1"]],
        [ack("endpoints", { subscribe: ["b"] }), ["acked endpoints a@1", "endpoints +b@1"]],
      ],
    },
    {
      rule: "a refusal may carry subscriptions",
      world: { "routes/a": "1", "routes/b": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [ack("routes", { error: "bad", subscribe: ["b"] }), ["nacked routes a@1: bad", "routes +b@1"]],
      ],
    },
    {
      rule: "the acknowledgement of a removal has no versions",
      world: { "listener/l": "1" },
      steps: [
        [sub("listener"), ["listener +l@1"]],
        [ack("listener"), ["acked listener l@1"]],
        [set({ "listener/l": null }), ["listener -l"]],
        [ack("listener"), ["acked listener"]],
      ],
    },
  ]);
});

describe("one response in flight", () => {
  run([
    {
      rule: "what changes meanwhile is sent once, as it then is",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [set({ "routes/a": "2" }), []],
        [set({ "routes/a": "3" }), []],
        [ack("routes"), ["acked routes a@1", "routes +a@3"]],
        [ack("routes"), ["acked routes a@3"]],
      ],
    },
    {
      rule: "what changes and changes back is not sent",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [set({ "routes/a": "2" }), []],
        [set({ "routes/a": "1" }), []],
        [ack("routes"), ["acked routes a@1"]],
      ],
    },
    {
      rule: "what appears and goes meanwhile is not sent",
      world: { "listener/a": "1" },
      steps: [
        [sub("listener"), ["listener +a@1"]],
        [set({ "listener/b": "1" }), []],
        [set({ "listener/b": null }), []],
        [ack("listener"), ["acked listener a@1"]],
      ],
    },
    {
      rule: "unchanged resources are not repeated beside changed ones",
      world: { "cluster/a": "1", "cluster/b": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1 +b@1"]],
        [ack("cluster"), ["acked cluster a@1 b@1"]],
        [set({ "cluster/a": "1", "cluster/b": "2" }), ["cluster +b@2"]],
      ],
    },
    {
      rule: "a subscription meanwhile is answered after the answer",
      only: "incremental",
      world: { "endpoints/a": "1", "endpoints/b": "1" },
      steps: [
        [sub("endpoints", "a"), ["endpoints +a@1"]],
        [sub("endpoints", "b"), []],
        [ack("endpoints"), ["acked endpoints a@1", "endpoints +b@1"]],
      ],
    },
    {
      rule: "a refusal lets the next response go, too",
      world: { "routes/a": "1" },
      steps: [
        [sub("routes", "a"), ["routes +a@1"]],
        [set({ "routes/a": "2" }), []],
        [nack("routes"), ["nacked routes a@1: bad", "routes +a@2"]],
      ],
    },
    {
      rule: "a name that is dropped before it could be sent is not sent",
      world: { "routes/a": "1", "routes/b": "1" },
      steps: [
        [sub("routes", "a", "b"), ["routes +a@1 +b@1"]],
        [set({ "routes/a": "2", "routes/b": "2" }), []],
        [ack("routes", { unsubscribe: ["a"] }), ["acked routes a@1 b@1", "routes +b@2"]],
      ],
    },
    {
      rule: "a large push goes in parts, each after the answer to the one before",
      only: "incremental",
      world: { "cluster/a": "1", "cluster/b": "1", "cluster/c": "1" },
      options: { maxResponseBytes: 12 },
      steps: [
        [sub("cluster"), ["cluster +a@1 +b@1"]],
        [ack("cluster"), ["acked cluster a@1 b@1", "cluster +c@1"]],
        [ack("cluster"), ["acked cluster c@1"]],
      ],
    },
    {
      rule: "a resource larger than a response goes alone",
      only: "incremental",
      world: { "cluster/aaaaaaaaaa": "1", "cluster/b": "1" },
      options: { maxResponseBytes: 8 },
      steps: [
        [sub("cluster"), ["cluster +aaaaaaaaaa@1"]],
        [ack("cluster"), ["acked cluster aaaaaaaaaa@1", "cluster +b@1"]],
      ],
    },
    {
      rule: "many removals go in parts, too",
      only: "incremental",
      world: {},
      options: { maxResponseBytes: 4 },
      steps: [
        [sub("secret", "aa", "bb", "cc"), ["secret -aa -bb"]],
        [ack("secret"), ["acked secret", "secret -cc"]],
      ],
    },
    {
      rule: "a part that is still to be sent is sent as it then is",
      only: "incremental",
      world: { "cluster/a": "1", "cluster/b": "1" },
      options: { maxResponseBytes: 8 },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [set({ "cluster/b": "2" }), []],
        [ack("cluster"), ["acked cluster a@1", "cluster +b@2"]],
        [ack("cluster"), ["acked cluster b@2"]],
      ],
    },
  ]);
});

describe("refusals", () => {
  run([
    {
      rule: "nothing is sent again until the content changes",
      world: { "routes/r": "1" },
      steps: [
        [sub("routes", "r"), ["routes +r@1"]],
        [nack("routes"), ["nacked routes r@1: bad"]],
        [set({ "routes/r": "1" }), []],
        [set({ "routes/r": "2" }), ["routes +r@2"]],
      ],
    },
    {
      rule: "a refused version is never sent again, also after another one",
      world: { "routes/r": "1" },
      steps: [
        [sub("routes", "r"), ["routes +r@1"]],
        [nack("routes"), ["nacked routes r@1: bad"]],
        [set({ "routes/r": "2" }), ["routes +r@2"]],
        [ack("routes"), ["acked routes r@2"]],
        [set({ "routes/r": "1" }), []],
      ],
    },
    {
      rule: "a refused version is not sent to a new subscription either",
      world: { "routes/r": "1" },
      steps: [
        [sub("routes", "r"), ["routes +r@1"]],
        [nack("routes"), ["nacked routes r@1: bad"]],
        [unsub("routes", "r"), []],
        [sub("routes", "r"), []],
      ],
    },
    {
      rule: "going back to the old content is sent, because the client may have taken a part of the new",
      world: { "cluster/a": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1"]],
        [ack("cluster"), ["acked cluster a@1"]],
        [set({ "cluster/a": "2" }), ["cluster +a@2"]],
        [nack("cluster"), ["nacked cluster a@2: bad"]],
        [set({ "cluster/a": "1" }), ["cluster +a@1"]],
      ],
    },
    {
      rule: "removals beside refused resources are repeated alone",
      only: "incremental",
      world: { "listener/a": "1" },
      steps: [
        [sub("listener"), ["listener +a@1"]],
        [ack("listener"), ["acked listener a@1"]],
        [set({ "listener/a": null, "listener/b": "1" }), ["listener +b@1 -a"]],
        [nack("listener"), ["nacked listener b@1: bad", "listener -a"]],
        [nack("listener"), ["nacked listener: bad"]],
      ],
    },
    {
      rule: "another name is not affected",
      world: { "routes/r": "1", "routes/q": "1" },
      steps: [
        [sub("routes", "r"), ["routes +r@1"]],
        [nack("routes"), ["nacked routes r@1: bad"]],
        [sub("routes", "q"), ["routes +q@1"]],
      ],
    },
  ]);
});

describe("extensions", () => {
  run([
    {
      rule: "the last good one is sent again after a refusal",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
        [nack("extension"), ["nacked extension s@2: bad", "extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), []],
        [set({ "extension/s": "3" }), ["extension +s@3"]],
      ],
    },
    {
      rule: "newer content takes the place of the last good one",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
        [set({ "extension/s": "3" }), []],
        [nack("extension"), ["nacked extension s@2: bad", "extension +s@3"]],
        [nack("extension"), ["nacked extension s@3: bad", "extension +s@1"]],
      ],
    },
    {
      rule: "if the last good one is refused, there is nothing more to send",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
        [nack("extension"), ["nacked extension s@2: bad", "extension +s@1"]],
        [nack("extension"), ["nacked extension s@1: bad"]],
      ],
    },
    {
      rule: "nothing is sent for a first one that is refused",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [nack("extension"), ["nacked extension s@1: bad"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
      ],
    },
    {
      rule: "what the client kept from an earlier stream heals, if its bytes were had",
      world: { "extension/s": "1" },
      steps: [
        [resume("extension", ["s"], { s: "1" }), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
        [nack("extension"), ["nacked extension s@2: bad", "extension +s@1"]],
      ],
    },
    {
      rule: "what the client kept without us having its bytes is left to it",
      only: "incremental",
      world: { "extension/s": "2" },
      steps: [
        [resume("extension", ["s"], { s: "1" }), ["acked extension s@1", "extension +s@2"]],
        [nack("extension"), ["nacked extension s@2: bad"]],
        [set({ "extension/s": "3" }), ["extension +s@3"]],
      ],
    },
    {
      rule: "absent bytes are silence for a client that has a version",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2?f" }), []],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
      ],
    },
    {
      rule: "a client that asks again while the bytes are absent gets the last good one",
      only: "incremental",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2?f" }), []],
        [sub("extension", "s"), ["extension +s@1"]],
      ],
    },
    {
      rule: "a client that has nothing gets the fallback, and the content when it is there",
      world: { "extension/s": "1?f" },
      steps: [
        [sub("extension", "s"), ["extension +s@f"]],
        [ack("extension"), ["acked extension s@f"]],
        [set({ "extension/s": "1" }), ["extension +s@1"]],
      ],
    },
    {
      rule: "a fallback may be replaced by another",
      world: { "extension/s": "1?f" },
      steps: [
        [sub("extension", "s"), ["extension +s@f"]],
        [ack("extension"), ["acked extension s@f"]],
        [set({ "extension/s": "2?g" }), ["extension +s@g"]],
      ],
    },
    {
      rule: "a refused content is followed by the fallback that the client had",
      world: { "extension/s": "1?f" },
      steps: [
        [sub("extension", "s"), ["extension +s@f"]],
        [ack("extension"), ["acked extension s@f"]],
        [set({ "extension/s": "1" }), ["extension +s@1"]],
        [nack("extension"), ["nacked extension s@1: bad", "extension +s@f"]],
      ],
    },
    {
      rule: "absent bytes without a fallback: silence, the name exists",
      world: { "extension/s": "1?" },
      steps: [
        [sub("extension", "s"), []],
        [set({ "extension/s": "1" }), ["extension +s@1"]],
      ],
    },
    {
      rule: "a name that does not exist is removed as any other; one that goes is left to the client, whose listener may drain",
      only: "incremental",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s", "x"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1", "extension -x"]],
        [ack("extension"), ["acked extension"]],
        [set({ "extension/s": null }), []],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
      ],
    },
    {
      rule: "extensions that nobody has accepted yet go one by one, so that a refusal hits the guilty only",
      world: { "extension/one": "1", "extension/two": "1" },
      steps: [
        [sub("extension", "one", "two"), ["extension +one@1"]],
        [nack("extension"), ["nacked extension one@1: bad", "extension +two@1"]],
        [ack("extension"), ["acked extension two@1"]],
      ],
    },
    {
      rule: "extensions that a proxy has accepted go together",
      world: { "extension/one": "1", "extension/two": "1", "extension/three": "1" },
      options: { accepted: new WeakSet([bytesOf("one", "1"), bytesOf("two", "1")]) },
      steps: [
        [sub("extension", "one", "two", "three"), ["extension +one@1 +two@1"]],
        [ack("extension"), ["acked extension one@1 two@1", "extension +three@1"]],
      ],
    },
    {
      rule: "every slot of a response that is refused as a whole is healed",
      world: { "extension/one": "1", "extension/two": "1" },
      options: {
        accepted: new WeakSet(["1", "2"].flatMap((version) => [bytesOf("one", version), bytesOf("two", version)])),
      },
      steps: [
        [sub("extension", "one", "two"), ["extension +one@1 +two@1"]],
        [ack("extension"), ["acked extension one@1 two@1"]],
        [set({ "extension/one": "2", "extension/two": "2" }), ["extension +one@2 +two@2"]],
        [nack("extension"), ["nacked extension one@2 two@2: bad", "extension +one@1 +two@1"]],
      ],
    },
    {
      rule: "a client that dropped a slot has nothing under it",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [unsub("extension", "s"), []],
        [set({ "extension/s": "2?f" }), []],
        [sub("extension", "s"), ["extension +s@f"]],
      ],
    },
    {
      rule: "an extension that is dropped while in flight is not healed",
      only: "incremental",
      world: { "extension/s": "1" },
      steps: [
        [sub("extension", "s"), ["extension +s@1"]],
        [ack("extension"), ["acked extension s@1"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
        [unsub("extension", "s"), []],
        [nack("extension"), ["nacked extension s@2: bad"]],
      ],
    },
  ]);
});
