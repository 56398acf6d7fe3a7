import { afterEach, describe, test } from "vitest";
import { createApi } from "../test/api.js";
import { createCleanup, STORAGES, startRegistry } from "../test/fixtures.js";
import { DISCOVERY_ROWS } from "../test/specification/discovery.js";
import { GENERAL_ROWS } from "../test/specification/general.js";
import { MANAGEMENT_ROWS } from "../test/specification/management.js";
import { PULL_ROWS } from "../test/specification/pull.js";
import { PUSH_BLOB_ROWS } from "../test/specification/push-blob.js";
import { PUSH_MANIFEST_ROWS } from "../test/specification/push-manifest.js";

const ROWS = [
  ...PULL_ROWS,
  ...PUSH_BLOB_ROWS,
  ...PUSH_MANIFEST_ROWS,
  ...DISCOVERY_ROWS,
  ...MANAGEMENT_ROWS,
  ...GENERAL_ROWS,
];
const cleanup = createCleanup();
afterEach(() => cleanup.run());

describe.each(STORAGES)("the distribution specification, %s", (storage) => {
  test.each(ROWS)("$section ($level): $requirement", async ({ options = {}, check }) => {
    await check(createApi(await startRegistry(cleanup, { ...options, storage })));
  });
});
