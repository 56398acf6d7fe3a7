import { expect, test } from "vitest";
import { byFunction, byPlace, type CpuProfile } from "./profile.js";

const node = (id: number, functionName: string, url: string) => ({ id, callFrame: { functionName, url } });
const profile: CpuProfile = {
  nodes: [
    node(1, "(idle)", ""),
    node(2, "(garbage collector)", ""),
    node(3, "step", "file:///clone/control-plane/dist/xds/delta-stream.js"),
    node(4, "write", "file:///clone/node_modules/@grpc/grpc-js/build/src/server-call.js"),
    node(5, "", "node:internal/http2/core"),
  ],
  samples: [1, 2, 3, 4, 3, 5],
  timeDeltas: [0, 500, 10, 30, 20, 30],
};

test("a sample counts until the next one, and idling not at all", () => {
  expect(byPlace(profile).map(({ where, share }) => [where, Number(share.toFixed(3))])).toEqual([
    ["Weft: xds", 0.667],
    ["@grpc/grpc-js", 0.222],
    ["(garbage collector)", 0.111],
    ["node:internal/http2/core".split("/").slice(-2).join("/"), 0],
  ]);
  expect(byFunction(profile)[0]?.where).toBe("step, Weft: xds");
});
