import { describe } from "vitest";
import { ALL, ack, CONNECTED, nack, run, set, sub, unsub } from "./stream-table.contract.js";

describe("order of pushes", () => {
  run([
    {
      rule: "clusters, endpoints, listeners, routes, extensions, secrets",
      world: ALL,
      steps: [
        ...CONNECTED,
        [
          set({
            "secret/t": "2",
            "extension/s": "2",
            "routes/r": "2",
            "listener/l": "2",
            "endpoints/a": "2",
            "cluster/a": "2",
          }),
          ["cluster +a@2", "endpoints +a@2", "listener +l@2", "routes +r@2", "extension +s@2", "secret +t@2"],
        ],
      ],
    },
    {
      rule: "a type waits while an earlier one has news that it could not send",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "routes/r": "2" }), ["routes +r@2"]],
        [set({ "routes/r": "3", "extension/s": "2" }), []],
        [ack("routes"), ["acked routes r@2", "routes +r@3", "extension +s@2"]],
      ],
    },
    {
      rule: "a type does not wait for an earlier one without news",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "routes/r": "2" }), ["routes +r@2"]],
        [set({ "extension/s": "2" }), ["extension +s@2"]],
      ],
    },
    {
      rule: "an earlier type does not wait for a later one",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "secret/t": "2" }), ["secret +t@2"]],
        [set({ "secret/t": "3", "routes/r": "2" }), ["routes +r@2"]],
      ],
    },
    {
      rule: "answers to subscriptions never wait for another type",
      world: { ...ALL, "routes/r2": "1" },
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": "2" }), ["cluster +a@2", "endpoints +a@1"]],
        [set({ "cluster/a": "3" }), []],
        [sub("routes", "r2"), ["routes +r2@1"]],
      ],
    },
    {
      rule: "routes wait until a new cluster is warm, which its acknowledgement says",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/b": "1", "routes/r": "2" }), ["cluster +b@1"]],
        [sub("endpoints", "b"), ["endpoints +b@none"]],
        [ack("cluster"), ["acked cluster b@1", "routes +r@2"]],
      ],
    },
    {
      rule: "routes go although the new cluster was refused",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/b": "1", "routes/r": "2" }), ["cluster +b@1"]],
        [nack("cluster"), ["nacked cluster b@1: bad", "routes +r@2"]],
      ],
    },
    {
      rule: "endpoints wait for news of their own cluster",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": "2" }), ["cluster +a@2", "endpoints +a@1"]],
        [ack("endpoints"), ["acked endpoints a@1"]],
        [set({ "cluster/a": "3", "endpoints/a": "2" }), []],
        [ack("cluster"), ["acked cluster a@2", "cluster +a@3", "endpoints +a@2"]],
      ],
    },
    {
      rule: "endpoints do not wait for news of another cluster",
      world: { ...ALL, "cluster/b": "1" },
      steps: [
        [sub("cluster"), ["cluster +a@1 +b@1"]],
        [sub("endpoints", "a"), ["endpoints +a@1"]],
        [ack("endpoints"), ["acked endpoints a@1"]],
        [set({ "cluster/b": "2" }), []],
        [set({ "endpoints/a": "2" }), ["endpoints +a@2"]],
      ],
    },
  ]);
});

describe("removal of clusters", () => {
  run([
    {
      rule: "at once, if nothing else changes",
      world: ALL,
      steps: [...CONNECTED, [set({ "cluster/a": null }), ["cluster -a"]]],
    },
    {
      rule: "after the routes that no longer name it are acknowledged",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "routes/r": "2" }), ["routes +r@2"]],
        [ack("routes"), ["acked routes r@2", "cluster -a"]],
      ],
    },
    {
      rule: "after the listeners are acknowledged",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "listener/l": null }), ["listener -l"]],
        [ack("listener"), ["acked listener", "cluster -a"]],
      ],
    },
    {
      rule: "after the plugin that calls it is replaced",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "extension/s": "2" }), ["extension +s@2"]],
        [ack("extension"), ["acked extension s@2", "cluster -a"]],
      ],
    },
    {
      rule: "not while the client refuses the routes that no longer name it",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "routes/r": "2" }), ["routes +r@2"]],
        [nack("routes"), ["nacked routes r@2: bad"]],
        [set({ "routes/r": "3" }), ["routes +r@3"]],
        [ack("routes"), ["acked routes r@3", "cluster -a"]],
      ],
    },
    {
      rule: "the new cluster comes first, then the routes, then the old one goes",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "cluster/b": "1", "routes/r": "2" }), ["cluster +b@1"]],
        [ack("cluster"), ["acked cluster b@1", "routes +r@2"]],
        [ack("routes"), ["acked routes r@2", "cluster -a"]],
      ],
    },
    {
      rule: "a cluster that comes back meanwhile is not removed",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "routes/r": "2" }), ["routes +r@2"]],
        [set({ "cluster/a": "1" }), []],
        [ack("routes"), ["acked routes r@2"]],
      ],
    },
    {
      rule: "its endpoints stay until then",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "endpoints/a": null, "routes/r": "2" }), ["routes +r@2"]],
        [ack("routes"), ["acked routes r@2", "cluster -a", "endpoints +a@none"]],
      ],
    },
    {
      rule: "a subscription to a cluster that is gone is answered at once",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "cluster/a": null, "routes/r": "2" }), ["routes +r@2"]],
        [sub("cluster", "a"), ["cluster -a"]],
      ],
    },
    {
      rule: "a change of routes that changes nothing holds nothing back",
      world: ALL,
      steps: [...CONNECTED, [set({ "cluster/a": null, "routes/r": "1" }), ["cluster -a"]]],
    },
  ]);
});

describe("endpoints after their cluster", () => {
  run([
    {
      rule: "a changed cluster gets its endpoints again, unchanged",
      world: ALL,
      steps: [...CONNECTED, [set({ "cluster/a": "2" }), ["cluster +a@2", "endpoints +a@1"]]],
    },
    {
      rule: "also if endpoints are in flight",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "endpoints/a": "2" }), ["endpoints +a@2"]],
        [set({ "cluster/a": "2" }), ["cluster +a@2"]],
        [ack("endpoints"), ["acked endpoints a@2", "endpoints +a@2"]],
      ],
    },
    {
      rule: "also if the next version of the cluster waits already",
      world: ALL,
      steps: [
        ...CONNECTED,
        [set({ "endpoints/a": "2" }), ["endpoints +a@2"]],
        [set({ "cluster/a": "2" }), ["cluster +a@2"]],
        [set({ "cluster/a": "3" }), []],
        [ack("endpoints"), ["acked endpoints a@2", "endpoints +a@2"]],
        [ack("cluster"), ["acked cluster a@2", "cluster +a@3"]],
        [ack("endpoints"), ["acked endpoints a@2", "endpoints +a@2"]],
      ],
    },
    {
      rule: "endpoints that the client does not want are not sent",
      world: ALL,
      steps: [...CONNECTED, [unsub("endpoints", "a"), []], [set({ "cluster/a": "2" }), ["cluster +a@2"]]],
    },
    {
      rule: "other endpoints are not sent",
      world: { ...ALL, "endpoints/b": "1" },
      steps: [
        ...CONNECTED,
        [sub("endpoints", "b"), ["endpoints +b@1"]],
        [ack("endpoints"), ["acked endpoints b@1"]],
        [set({ "cluster/a": "2" }), ["cluster +a@2", "endpoints +a@1"]],
      ],
    },
  ]);
});
