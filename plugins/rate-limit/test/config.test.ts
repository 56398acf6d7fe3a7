import { createHost } from "@weft/sdk/host";
import { beforeAll, expect, test } from "vitest";
import { buildPlugin } from "../../../test/build-plugin.js";

let wasm: Uint8Array;

beforeAll(async () => {
  ({ wasm } = await buildPlugin("rate-limit"));
});

function refusal(config: object): string {
  try {
    createHost(wasm, { rootId: "rate-limit", config }).close();
    return "accepted";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const limit = { name: "a", requests: 1 };
const one = (rest: object) => ({ limits: [{ ...limit, ...rest }] });
const entry = (rest: object) => one({ descriptor: [rest] });

test.each<object>([
  { limits: [limit] },
  one({ requests: 1_000_000 }),
  one({ requests: 1, unit: "day", units: 366 }),
  one({ requests: 1_000_000_000, units: 1000 }),
  entry({ from: "constant", value: "x" }),
])("%j is accepted", (config) => {
  expect(refusal(config)).toBe("accepted");
});

test.each<[object, string]>([
  [{}, 'field "limits" is required'],
  [{ limits: [] }, 'field "limits" has 0; it must have 1 to 32 items'],
  [{ limits: [{ requests: 1 }] }, 'field "limits[0].name" is required'],
  [{ limits: [{ name: "a" }] }, 'field "limits[0].requests" is required'],
  [one({ name: "a.b" }), 'field "limits[0].name" is "a.b"; it must match ^[a-zA-Z0-9_-]+$'],
  [one({ requests: 0 }), 'field "limits[0].requests" is 0; it must be an integer from 1 to 1000000000'],
  [one({ requests: 1_000_001 }), '"requests" is 1000001; it must be at most 1000000 a second'],
  [
    one({ unit: "day", burst: 367 }),
    '"burst" is 367, which takes 31708800 s to fill; it must take at most 31622400 s (366 days)',
  ],
  [one({ unit: "week" }), 'field "limits[0].unit" is "week"; it must be one of "second", "minute", "hour", "day"'],
  [{ limits: [limit, limit] }, 'field "limits[1].name" is "a"; another limit has it already'],
  [{ limits: [limit], slots: 12 }, 'field "slots" is 12; it must be a multiple of 8'],
  [{ limits: [limit], limit: 1 }, 'field "limit" is unknown'],
  [entry({ from: "cookie" }), 'field "limits[0].descriptor[0].from" is "cookie"; it must be one of "header", "path"'],
  [entry({ from: "header" }), '"name" is empty; it must be the name of the header or query parameter'],
  [entry({ from: "path", name: "x" }), '"name" is given; only "header" and "query" have one'],
  [entry({ from: "constant" }), '"value" is empty; a constant must have one'],
  [entry({ from: "method", value: "x" }), '"value" is given; only "constant" has one'],
  [entry({ from: "query", name: "x" }), "accepted"],
  [one({ global: true }), 'field "limits[0].global" is true; it needs "global.cluster"'],
])("%j is refused", (config, message) => {
  expect(refusal(config)).toContain(message);
});
