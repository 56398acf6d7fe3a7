import { expect, test } from "vitest";
import { parseWrk } from "./wrk.js";

const report = (last: string) => `Running 1s test @ http://127.0.0.1:10000/
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   242.31us  123.45us   4.01ms   93.12%
    Req/Sec    32.10k     1.20k   34.00k    70.00%
  Latency Distribution
     50%    0.50ms
     75%  300.00us
     90%    1.10ms
     99%    1.50ms
${last}
Requests/sec:  31930.11
Transfer/sec:      4.10MB
`;

test.each([
  ["  32123 requests in 1.01s, 4.12MB read", { requests: 32123, refused: 0, socketErrors: 0, seconds: 1.01 }],
  [
    "  90 requests in 1.50m, 4.12MB read\n  Non-2xx or 3xx responses: 12",
    { requests: 90, refused: 12, socketErrors: 0, seconds: 90 },
  ],
  [
    "  7 requests in 900.00ms, 1KB read\n  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5",
    { requests: 7, refused: 5, socketErrors: 10, seconds: 0.9 },
  ],
])("%s", (last, expected) => {
  expect(parseWrk(report(last))).toEqual({ ...expected, latency: { p50: 5e-4, p99: 1.5e-3 } });
});

test("a report without a count is an error", () => {
  expect(() => parseWrk("unable to connect to 127.0.0.1:1 Connection refused")).toThrow("Connection refused");
  expect(() => parseWrk("  1 requests in 1.00s, 1KB read")).toThrow("no latency of 50%");
});
