import type { ConnectedProxy, MeshReport } from "@weft/control-plane/mesh-report";
import type { ProxyTypeStatus } from "@weft/control-plane/proxy-status";
import { expect, it } from "vitest";
import { duration } from "./duration-text.js";
import { isWrong, meshStatusText, syncState } from "./mesh-status-text.js";

const NOW = 1_700_000_000_000;
const time = (agoMs: number) => new Date(NOW - agoMs).toISOString();
const proxy = (over: Partial<ConnectedProxy> = {}): ConnectedProxy => ({
  proxy: "default/a",
  nodeId: "n",
  protocol: "incremental",
  connectedAt: time(90_000),
  inSync: true,
  bytesSent: 0,
  responsesSent: 0,
  types: [],
  ...over,
});
const report = (over: Partial<MeshReport> = {}): MeshReport => ({
  controlPlane: { pid: 7, xds: "127.0.0.1:15012", startedAtMs: NOW - 3_600_000 },
  proxies: [proxy()],
  absent: [],
  handovers: [],
  warnings: [],
  ...over,
});
const type = (over: Partial<ProxyTypeStatus>): ProxyTypeStatus => ({
  type: "cluster",
  resources: 1,
  state: "synced",
  ...over,
});
const stale = (state: "waiting" | "refused", agoMs: number) => ({ types: [type({ state, staleSince: time(agoMs) })] });

it.each([
  [{}, "in-sync", false],
  [stale("waiting", 100), "updating", false],
  [stale("waiting", 6_000), "stale", true],
  [stale("refused", 100), "refused", true],
] as const)("a proxy with %o is %s", (over, state, wrong) => {
  expect(syncState(proxy(over), NOW)).toBe(state);
  expect(isWrong(report({ proxies: [proxy(over)] }), NOW)).toBe(wrong);
});

it("tells a refusal with its reason, who is absent, and what ends", () => {
  const text = meshStatusText(
    report({
      proxies: [
        proxy({
          types: [
            type({
              state: "refused",
              staleSince: time(65_000),
              lastNack: { names: ["c"], message: "bad\u001b[31m timeout", at: time(64_000) },
            }),
          ],
          scope: { services: 3, reachable: 4, onDemand: ["x"] },
          certificateEndsMs: NOW + 7_200_000,
        }),
      ],
      absent: [{ proxy: "default/b", goneAtMs: NOW - 5_000 }],
      warnings: [{ severity: "warning", certificate: "root", message: "ends soon", hint: "rotate it" }],
    }),
    NOW,
  );
  expect(text).toBe(`control plane  process 7, xDS on 127.0.0.1:15012, up 1h
proxies        0 of 2 in sync

PROXY      STATE    CONNECTED    SERVICES  ON DEMAND  CERTIFICATE
default/a  refused  1m 30s       3/4       1          ends in 2h
default/b  absent   left 5s ago  -         -          -

✗ default/a: cluster stale since 2023-11-14T22:12:15.000Z (1m 5s): it refused what it should have, and goes on with what it had
  refused cluster c 1m 4s ago: bad\ufffd[31m timeout
✗ default/b: its sidecar is gone; start it (weft up does, or weft sidecar), or set weft.mesh/inject: "false" if it has none

! root: ends soon
  Fix: rotate it`);
});

it("tells what was refused and is mended, without calling it wrong", () => {
  const types = [type({ lastNack: { names: ["c"], message: "bad", at: time(1_000) } })];
  const mended = report({ proxies: [proxy({ types })] });
  expect(meshStatusText(mended, NOW)).toContain(
    "- default/a: refused cluster c 1s ago: bad; it has something else now",
  );
  expect(isWrong(mended, NOW)).toBe(false);
});

it.each([
  [0, "0s"],
  [-5, "0s"],
  [999, "0s"],
  [61_000, "1m 1s"],
  [3_600_000, "1h"],
  [3_601_000, "1h"],
  [90_000_000, "1d 1h"],
])("%i ms are %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});

it("tells of endpoints that callers do not know of, or may not know to be gone", () => {
  const handover = { waitingFor: [], joining: [], leaving: [], sinceMs: NOW - 41_000 };
  const text = meshStatusText(
    report({
      handovers: [
        { ...handover, workload: "default/new", joining: ["s.default.svc.cluster.local:80"] },
        {
          ...handover,
          workload: "default/old",
          leaving: ["s.default.svc.cluster.local:80"],
          waitingFor: ["default/a"],
        },
      ],
    }),
    NOW,
  );
  expect(text.split("\n").slice(-2)).toEqual([
    "! default/new: callers of s.default.svc.cluster.local:80 are told of it when its sidecar listens (41s)",
    "- default/old: it has left s.default.svc.cluster.local:80, and its sidecar still listens there, until default/a know (41s)",
  ]);
});
