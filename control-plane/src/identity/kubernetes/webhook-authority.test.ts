import { describe, expect, it } from "vitest";
import { INTERMEDIATE_LIFETIME_MS } from "../authority-material.js";
import {
  LEARN_MS,
  maintained,
  readWebhookRecord,
  signingAuthority,
  type WebhookRecord,
  webhookRoots,
  writeWebhookRecord,
} from "./webhook-authority.js";

const NOW = Date.UTC(2026, 0, 1);
const DAY_MS = 24 * 3_600_000;
const TOKEN = "a1".repeat(31);
const createToken = () => TOKEN;
const make = (nowMs = NOW) => maintained(undefined, nowMs, createToken);

describe("the authority of the webhooks", () => {
  it("is read as it was written, without the root's key", async () => {
    const record = await make();
    const data = writeWebhookRecord(record);
    expect(readWebhookRecord(data)).toEqual({ ok: true, value: record });
    expect(JSON.stringify(data)).not.toContain("rootKeyPem");
  });

  it("signs at once where there is no other, and stays for most of its life", async () => {
    const record = await make();
    expect(signingAuthority(record, NOW)).toBe(record.authorities[0]);
    expect(await maintained(record, NOW + 200 * DAY_MS, createToken)).toBe(record);
  });

  it("has a successor in time, which signs only when API servers know it, and is dropped when it ended", async () => {
    const first = await make();
    const dueMs = NOW + 300 * DAY_MS;
    const both = await maintained(first, dueMs, () => "another");
    expect(both.token).toBe(TOKEN);
    expect(both.authorities).toHaveLength(2);
    expect(webhookRoots(both)).toBe(both.authorities.map(({ rootPem }) => rootPem).join(""));
    expect(signingAuthority(both, dueMs + LEARN_MS - 1)).toEqual(first.authorities[0]);
    expect(signingAuthority(both, dueMs + LEARN_MS)).toEqual(both.authorities[1]);
    const last = await maintained(both, NOW + INTERMEDIATE_LIFETIME_MS + 1, createToken);
    expect(last.authorities).toEqual(both.authorities.slice(1));
  });

  it.each<[string, (data: Readonly<Record<string, string>>) => Readonly<Record<string, string>>, string]>([
    ["no token", ({ token: _, ...data }) => data, "no token"],
    ["a token that no path may have", (data) => ({ ...data, token: "A".repeat(40) }), "no token"],
    ["no authority", (data) => ({ ...data, "authorities.json": "[]" }), "not what we wrote"],
    ["half an authority", (data) => ({ ...data, "authorities.json": '[{"rootPem":"x"}]' }), "not what we wrote"],
    ["no JSON", (data) => ({ ...data, "authorities.json": "secret" }), "not what we wrote"],
  ])("is refused with %s", async (_what, change, reason) => {
    const record: WebhookRecord = await make();
    expect(readWebhookRecord(change(writeWebhookRecord(record)))).toEqual({
      ok: false,
      message: expect.stringContaining(reason),
    });
  });
});
