import { expect } from "vitest";
import { CONTENT, OTHER } from "../api.js";
import { BLOB, MANIFEST, push, type Row, referrersOf, statusOf, subjectOf } from "./row.js";

export const MANAGEMENT_ROWS: readonly Row[] = [
  {
    section: "Deleting tags",
    level: "MUST",
    requirement: "a tag is deleted by 202, and what it stood for stays",
    async check(api) {
      const { digest } = await push(api, "v1");
      expect(await statusOf(api, "DELETE", `${MANIFEST}/v1`)).toBe(202);
      expect(await statusOf(api, "GET", `${MANIFEST}/v1`)).toBe(404);
      expect(await statusOf(api, "GET", `${MANIFEST}/${digest}`)).toBe(200);
    },
  },
  {
    section: "Deleting manifests",
    level: "MUST",
    requirement: "a manifest is deleted by 202; in a repository that is not there it is 404",
    async check(api) {
      const { digest } = await push(api, "v1");
      expect(await statusOf(api, "DELETE", `${MANIFEST}/${digest}`)).toBe(202);
      for (const reference of [digest, "v1"]) expect(await statusOf(api, "GET", `${MANIFEST}/${reference}`)).toBe(404);
      expect(await statusOf(api, "DELETE", `/v2/nobody/manifests/${digest}`)).toBe(404);
    },
  },
  {
    section: "Deleting manifests",
    level: "SHOULD",
    requirement: "a referrer that is deleted is in no list any more",
    async check(api) {
      const { digest } = await push(api, undefined, { subject: subjectOf(OTHER) });
      expect(await statusOf(api, "DELETE", `${MANIFEST}/${digest}`)).toBe(202);
      expect((await referrersOf(api, OTHER)).index.manifests).toEqual([]);
    },
  },
  {
    section: "Deleting blobs",
    level: "MUST",
    requirement: "a blob is deleted by 202; one that is not there is 404",
    async check(api) {
      await api.pushBlob(CONTENT);
      expect(await statusOf(api, "DELETE", BLOB)).toBe(202);
      expect(await statusOf(api, "GET", BLOB)).toBe(404);
      expect(await statusOf(api, "DELETE", BLOB)).toBe(404);
    },
  },
];
