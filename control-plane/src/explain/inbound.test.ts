import { describe, expect, it } from "vitest";
import { mkService, mkWorkload, settings } from "../../../test/builders.js";
import { HTTP_ROWS, SETS } from "../../../test/policies/matrix.js";
import { ADDRESS, policyObject } from "../../../test/policies/policy-mesh.js";
import { createStore } from "../store/store.js";
import { explainWorkload } from "./inbound.js";
import { normalizedPath } from "./request.js";

/** What tokens say, and where plaintext callers come from, is not known beforehand. */
const UNKNOWN = /^jwt|ip-block|remote-ip|when-source|sni/;
const ROWS = HTTP_ROWS.filter(
  ([set, , request, status]) =>
    !UNKNOWN.test(set) && !String(request).includes(" http://") && (status === 200 || status === 403),
);

function verdict(set: string, caller: string | undefined, lines: readonly string[]): boolean | undefined {
  const store = createStore({ ...settings, trustDomain: "test" }, "");
  const service = mkService(set, { selector: { app: "server" } });
  const workload = mkWorkload("server", { address: ADDRESS });
  const targetRefs = [{ kind: "Service", name: set }];
  const policies = (SETS[set]?.authorization ?? []).map(({ dryRun, ...spec }, index) =>
    policyObject(
      "AuthorizationPolicy",
      `${set}-${index}`,
      { ...spec, targetRefs },
      dryRun ? { "istio.io/dry-run": "true" } : {},
    ),
  );
  store.apply(
    [
      { kind: "Service" as const, value: service },
      { kind: "WorkloadEntry" as const, value: workload },
      ...policies,
    ].map((object) => ({ kind: "apply", object })),
  );
  const [namespace = "default", account = "nobody"] = caller?.split("/") ?? [];
  const from = mkWorkload(`${account}-1`, { namespace, serviceAccount: account, hasSidecar: caller !== undefined });
  const [port] = service.ports;
  if (port === undefined) throw new Error("no port");
  const [first = "", ...rest] = lines;
  const [method = "GET", path = "/"] = first.split(" ");
  const headers = Object.fromEntries(
    rest.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.replace(/^[^:]*: ?/, "")]),
  );
  const { host = "app", ...others } = headers;
  return explainWorkload(
    store.current.snapshot,
    { caller: { key: "", workload: from }, workload, service, port, isMtls: true },
    { method, scheme: "http", authority: host, path: normalizedPath(path), headers: others },
  ).passes;
}

describe("the requests that real sidecars are tried with are let through as the explanation says", () => {
  it("has most of them", () => expect(ROWS.length).toBeGreaterThan(100));

  it.each(ROWS)("%s %s %s → %i", (set, caller, request, status) => {
    expect(verdict(set, caller, typeof request === "string" ? [request] : request)).toBe(status === 200);
  });
});
