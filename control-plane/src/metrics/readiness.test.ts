import { expect, it } from "vitest";
import { createTestAuthority } from "../../../test/xds-fixture.js";
import { type Begun, controlPlaneChecks, readiness } from "./readiness.js";

const authority = await createTestAuthority();
const valid = await authority.issue({ dns: "localhost" });
const ended = await authority.issue({ dns: "localhost", ttlMs: -1000 });
const READY: Begun = { isSynced: true, xdsPort: 15012, identity: valid };

it.each<[string, Begun, RegExp]>([
  ["nothing is there yet", {}, /^no sources: .*\nno xds: .*\nno identity: .*\nok life\n$/],
  ["objects are not read", { ...READY, isSynced: false }, /^no sources: /],
  ["the certificate has ended", { ...READY, identity: ended }, /\nno identity: the certificate ended at \d{4}-/],
  ["it shuts down", { ...READY, isClosing: true }, /\nno life: it is shutting down\n$/],
])("is not ready while %s", (_when, begun, text) => {
  const found = readiness(controlPlaneChecks(() => begun));
  expect(found.isReady).toBe(false);
  expect(found.text).toMatch(text);
});

it("is ready when all is there", () => {
  expect(readiness(controlPlaneChecks(() => READY)).isReady).toBe(true);
});
