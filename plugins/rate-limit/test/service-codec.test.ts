import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { beforeAll, describe, expect, test } from "vitest";
import {
  RateLimitResponse_Code as Code,
  type RateLimitRequest,
  RateLimitRequestSchema,
  RateLimitResponseSchema,
  RateLimitResponse_RateLimit_Unit as Unit,
} from "../../../control-plane/src/envoy-api/gen/envoy/service/ratelimit/v3/rls_pb.js";
import { RateLimitUnit } from "../../../control-plane/src/envoy-api/gen/envoy/type/v3/ratelimit_unit_pb.js";
import { evaluate } from "../../../test/build-plugin.js";
import { evaluationTable } from "../../../test/evaluation-table.js";

/* What the plugin writes is read, and what it reads is written, by the types that are generated from Envoy's API. */
const DECLARATIONS = `
import { LimitConfig, Unit } from "./config";
import { Descriptor, Entry } from "./descriptor";
import { encodeRequest } from "./service/rate-limit-request";
import { decodeResponse } from "./service/rate-limit-response";
function hex(bytes: ArrayBuffer): string {
  let text = "";
  const view = Uint8Array.wrap(bytes);
  for (let i = 0; i < view.length; i++) text += (view[i] < 16 ? "0" : "") + (<u32>view[i]).toString(16);
  return text;
}
function unhex(text: string): ArrayBuffer {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>parseInt(text.substr(i * 2, 2), 16);
  return bytes.buffer;
}
function limit(name: string, requests: u32, unit: Unit, units: u32): LimitConfig {
  const limit = new LimitConfig();
  limit.name = name;
  limit.requests = requests;
  limit.unit = unit;
  limit.units = units;
  return limit;
}
function limits(): LimitConfig[] {
  return [
    limit("a", 1, Unit.second, 1),
    limit("b", 4000000000, Unit.minute, 1),
    limit("c", 3, Unit.hour, 12),
    limit("d", 4, Unit.day, 1),
  ];
}
function descriptor(index: i32, entries: string[]): Descriptor {
  const list: Entry[] = [];
  for (let i = 0; i < entries.length; i += 2) list.push(new Entry(entries[i], entries[i + 1]));
  return new Descriptor(index, list);
}
function show(text: string): string {
  const response = decodeResponse(unhex(text));
  if (response === null) return "null";
  let shown = (<i32>response.code).toString();
  for (let i = 0; i < response.statuses.length; i++) {
    const status = response.statuses[i];
    shown += "; " + (<i32>status.code).toString() + " " + status.remaining.toString() + "/" + status.limit.toString();
    shown += " in " + status.windowSeconds.toString() + " s, reset " + status.resetNs.toString();
  }
  return response.headers.length == 0 ? shown : shown + "; " + response.headers.join("|");
}
function over(text: string): string {
  const response = decodeResponse(unhex(text))!;
  return response.isOver(0, 2).toString() + " " + response.isOver(1, 2).toString();
}
`;

describe("RateLimitRequest", () => {
  const entry = (key: string, value: string) => ({ key, value });
  const cases: [string, MessageInitShape<typeof RateLimitRequestSchema>][] = [
    [
      'encodeRequest("shop", [descriptor(0, ["remote_address", "10.0.0.1"])], limits(), false)',
      { domain: "shop", descriptors: [{ entries: [entry("remote_address", "10.0.0.1")] }] },
    ],
    [
      // Two limits in one call; an empty value; text beyond ASCII.
      'encodeRequest("d", [descriptor(1, ["user", "", "path", "/ü€😀"]), descriptor(0, ["k", "v"])], limits(), false)',
      {
        domain: "d",
        descriptors: [{ entries: [entry("user", ""), entry("path", "/ü€😀")] }, { entries: [entry("k", "v")] }],
      },
    ],
    [
      'encodeRequest("d", [descriptor(2, [])], limits(), false)',
      { domain: "d", descriptors: [{ entries: [entry("generic_key", "c")] }] },
    ],
    [
      'encodeRequest("d", [descriptor(0, ["k", "v"]), descriptor(1, ["k", "v"]), descriptor(2, ["k", "v"]), descriptor(3, ["k", "v"])], limits(), true)',
      {
        domain: "d",
        descriptors: [
          { entries: [entry("k", "v")], limit: { requestsPerUnit: 1, unit: RateLimitUnit.SECOND } },
          { entries: [entry("k", "v")], limit: { requestsPerUnit: 4_000_000_000, unit: RateLimitUnit.MINUTE } },
          { entries: [entry("k", "v")], limit: { requestsPerUnit: 3, unit: RateLimitUnit.HOUR, unitMultiplier: 12 } },
          { entries: [entry("k", "v")], limit: { requestsPerUnit: 4, unit: RateLimitUnit.DAY } },
        ],
      },
    ],
    [
      `encodeRequest("d", [descriptor(0, ["k", "${"v".repeat(300)}"])], limits(), false, 4294967295)`,
      { domain: "d", descriptors: [{ entries: [entry("k", "v".repeat(300))] }], hitsAddend: 4_294_967_295 },
    ],
  ];

  let written: RateLimitRequest[];
  beforeAll(async () => {
    const texts = await evaluate(
      "rate-limit",
      DECLARATIONS,
      cases.map(([expression]) => `hex(${expression})`),
    );
    written = texts.map((text) => fromBinary(RateLimitRequestSchema, Buffer.from(text, "hex")));
  });
  test.each(cases.map(([expression, expected], i) => ({ expression, expected, i })))(
    "$expression",
    ({ expected, i }) => {
      expect(written[i]).toEqual(create(RateLimitRequestSchema, expected));
    },
  );
});

describe("RateLimitResponse", () => {
  const hex = (response: MessageInitShape<typeof RateLimitResponseSchema>): string =>
    Buffer.from(toBinary(RateLimitResponseSchema, create(RateLimitResponseSchema, response))).toString("hex");
  const status = (
    code: Code,
    requestsPerUnit: number,
    unit: Unit,
    more: { remaining?: number; seconds?: bigint; nanos?: number; unitMultiplier?: number } = {},
  ) => ({
    code,
    currentLimit: {
      requestsPerUnit,
      unit,
      name: "n",
      ...(more.unitMultiplier ? { unitMultiplier: more.unitMultiplier } : {}),
    },
    limitRemaining: more.remaining ?? 0,
    durationUntilReset: { seconds: more.seconds ?? 0n, nanos: more.nanos ?? 0 },
  });
  const units = [Unit.UNKNOWN, Unit.SECOND, Unit.MINUTE, Unit.HOUR, Unit.DAY, Unit.MONTH, Unit.YEAR, Unit.WEEK];
  const table: [MessageInitShape<typeof RateLimitResponseSchema>, string][] = [
    [{ overallCode: Code.OK }, "1"],
    [{ overallCode: Code.OVER_LIMIT }, "2"],
    [{}, "null"],
    [{ overallCode: 7 as Code }, "null"],
    [
      {
        overallCode: Code.OVER_LIMIT,
        statuses: [
          status(Code.OK, 4_294_967_295, Unit.MINUTE, { remaining: 4_000_000_000, seconds: 59n, nanos: 999_999_999 }),
          status(Code.OVER_LIMIT, 5, Unit.SECOND, { seconds: 1n }),
        ],
      },
      "2; 1 4000000000/4294967295 in 60 s, reset 59999999999; 2 0/5 in 1 s, reset 1000000000",
    ],
    // No limit for a descriptor.
    [{ overallCode: Code.OK, statuses: [{ code: Code.OK }] }, "1; 1 0/0 in 0 s, reset 0"],
    [
      { overallCode: Code.OK, statuses: units.map((unit) => status(Code.OK, 1, unit)) },
      `1${[0, 1, 60, 3600, 86400, 2592000, 31536000, 604800].map((s) => `; 1 0/1 in ${s} s, reset 0`).join("")}`,
    ],
    [
      { overallCode: Code.OK, statuses: [status(Code.OK, 1, Unit.MINUTE, { unitMultiplier: 10 })] },
      "1; 1 0/1 in 600 s, reset 0",
    ],
    [
      { overallCode: Code.OK, statuses: [status(Code.OK, 1, 99 as Unit, { seconds: -5n })] },
      "1; 1 0/1 in 0 s, reset 0",
    ],
    [
      { overallCode: Code.OK, statuses: [status(Code.OK, 1, Unit.DAY, { seconds: 9_000_000_000_000n })] },
      "1; 1 0/1 in 86400 s, reset 4000000000000000000",
    ],
    [
      {
        overallCode: Code.OK,
        responseHeadersToAdd: [
          { key: "X-Quota", value: "a" },
          { key: ":status", value: "200" },
          { key: "x-raw", rawValue: Buffer.from("ü") },
          { key: "", value: "x" },
          { key: "x-empty" },
        ],
        requestHeadersToAdd: [{ key: "x-up", value: "b" }],
        rawBody: Buffer.from("no"),
        dynamicMetadata: { domain: "d" },
      },
      "1; x-quota|a|x-raw|ü|x-empty|",
    ],
    [
      {
        overallCode: Code.OK,
        statuses: Array.from({ length: 100 }, () => ({ code: Code.OK })),
        responseHeadersToAdd: Array.from({ length: 100 }, () => ({ key: "h", value: "v" })),
      },
      `1${"; 1 0/0 in 0 s, reset 0".repeat(64)}; ${Array.from({ length: 32 }, () => "h|v").join("|")}`,
    ],
  ];
  const statuses = (...codes: Code[]) => codes.map((code) => ({ code }));
  const two = { overallCode: Code.OVER_LIMIT, statuses: statuses(Code.OK, Code.OVER_LIMIT) };
  // Of two descriptors.
  const over: [MessageInitShape<typeof RateLimitResponseSchema>, string][] = [
    [two, "false true"],
    [{ overallCode: Code.OVER_LIMIT, statuses: statuses(Code.OVER_LIMIT, Code.OVER_LIMIT) }, "true true"],
    [{ overallCode: Code.OVER_LIMIT }, "true true"],
    [{ overallCode: Code.OVER_LIMIT, statuses: statuses(Code.OVER_LIMIT) }, "true true"],
    [{ overallCode: Code.OVER_LIMIT, statuses: statuses(Code.OK, Code.OK) }, "true true"],
    // A service in shadow mode.
    [{ overallCode: Code.OK, statuses: statuses(Code.OVER_LIMIT, Code.OK) }, "false false"],
    [{ overallCode: Code.OK }, "false false"],
  ];
  evaluationTable("rate-limit", DECLARATIONS, [
    ...table.map(([response, expected]): [string, string] => [`show("${hex(response)}")`, expected]),
    ['show("")', "null"],
    ['show("ffffffffffff")', "null"],
    // Broken off within a status.
    [`show("${hex(two).slice(0, -2)}")`, "2; 1 0/0 in 0 s, reset 0"],
    ...over.map(([response, expected]): [string, string] => [`over("${hex(response)}")`, expected]),
  ]);
});
