import { expect } from "vitest";
import { digestOf } from "../../src/digest.js";
import { MAX_MANIFEST_BYTES } from "../../src/manifest.js";
import { OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from "../../src/media-types.js";
import { fallbackTag } from "../../src/referrers.js";
import { CONTENT, OTHER } from "../api.js";
import { INDEX, push, type Row, referrersOf, statusOf, subjectOf, tagsOf } from "./row.js";

export const DISCOVERY_ROWS: readonly Row[] = [
  {
    section: "Listing tags",
    level: "MUST",
    requirement: "the tags of a repository are 200 with its name and the tags in the order of their bytes",
    async check(api) {
      for (const tag of ["b", "a", "B", "10", "9", "_x", "a-b", "a.b"]) await push(api, tag);
      expect((await tagsOf(api)).tags).toEqual(["10", "9", "B", "_x", "a", "a-b", "a.b", "b"]);
    },
  },
  {
    section: "Listing tags",
    level: "MUST",
    requirement: "n tags are n tags, in order; where there are more, Link leads on to them by rel=next",
    async check(api) {
      for (const tag of ["a", "b", "c", "d", "e"]) await push(api, tag);
      const seen: string[][] = [];
      let query: string | undefined = "?n=2";
      while (query !== undefined) {
        const { tags, link }: { tags: string[]; link: string | null } = await tagsOf(api, query);
        seen.push(tags);
        query = /^<\/v2\/p\/tags\/list(\?.*)>; rel="next"$/.exec(link ?? "")?.[1];
      }
      expect(seen).toEqual([["a", "b"], ["c", "d"], ["e"]]);
      expect((await tagsOf(api, "?n=5")).tags).toHaveLength(5);
    },
  },
  {
    section: "Listing tags",
    level: "MUST",
    requirement: "no tags at all are asked for by n=0: an empty list without Link",
    async check(api) {
      await push(api, "a");
      expect(await tagsOf(api, "?n=0")).toEqual({ tags: [], link: null });
    },
  },
  {
    section: "Listing tags",
    level: "MUST",
    requirement: "the list goes on after last, which is a tag and no number, with n or without, in order",
    async check(api) {
      for (const tag of ["1", "2", "a", "c"]) await push(api, tag);
      expect((await tagsOf(api, "?last=a")).tags).toEqual(["c"]);
      expect((await tagsOf(api, "?last=b&n=1")).tags).toEqual(["c"]);
      expect((await tagsOf(api, "?last=1&n=2")).tags).toEqual(["2", "a"]);
    },
  },
  {
    section: "Listing referrers",
    level: "MUST",
    requirement: "referrers are 200 and never 404, an empty list where there are none",
    async check(api) {
      const { digest } = await push(api, "v1");
      for (const subject of [digest, OTHER, digestOf(CONTENT, "sha512")])
        expect((await referrersOf(api, subject)).index.manifests).toEqual([]);
      expect(await statusOf(api, "GET", `/v2/nobody/referrers/${OTHER}`)).toBe(200);
    },
  },
  {
    section: "Listing referrers",
    level: "MUST",
    requirement: "what is no digest is 400",
    async check(api) {
      for (const text of ["sha256:00", "latest", "md5:00"])
        expect(await statusOf(api, "GET", `/v2/p/referrers/${text}`), text).toBe(400);
    },
  },
  {
    section: "Listing referrers",
    level: "MUST",
    requirement: "the answer is an image index of descriptors, and its Content-Type says so",
    async check(api) {
      const { bytes, digest } = await push(api, undefined, { subject: subjectOf(OTHER) });
      const { index, headers } = await referrersOf(api, OTHER);
      expect(headers.get("content-type")).toBe(OCI_INDEX);
      expect(index).toMatchObject({ schemaVersion: 2, mediaType: OCI_INDEX });
      expect(index.manifests).toMatchObject([{ mediaType: OCI_MANIFEST, digest, size: bytes.byteLength }]);
    },
  },
  {
    section: "Listing referrers",
    level: "MUST",
    requirement: "artifactType is the manifest's, else of an image its config's media type, and of an index none",
    async check(api) {
      const subject = subjectOf(OTHER);
      const types = new Map<string, string | undefined>();
      for (const type of [OCI_MANIFEST, OCI_INDEX])
        for (const artifactType of ["application/x", "", undefined]) {
          const shape = type === OCI_INDEX ? INDEX : {};
          const { digest } = await push(api, undefined, { ...shape, subject, artifactType }, type);
          types.set(digest, artifactType || (type === OCI_INDEX ? undefined : OCI_CONFIG));
        }
      const { index } = await referrersOf(api, OTHER);
      expect(index.manifests).toHaveLength(types.size);
      for (const entry of index.manifests) {
        const { artifactType } = entry;
        expect(artifactType).toBe(types.get(String(entry.digest)));
        expect(Object.hasOwn(entry, "artifactType")).toBe(artifactType !== undefined);
      }
    },
  },
  {
    section: "Listing referrers",
    level: "MUST",
    requirement: "the annotations of each manifest are in its descriptor",
    async check(api) {
      const annotations = { a: "1", "b/c": "ä" };
      await push(api, undefined, { subject: subjectOf(OTHER), annotations });
      await push(api, undefined, { ...INDEX, subject: subjectOf(OTHER), annotations }, OCI_INDEX);
      const { index } = await referrersOf(api, OTHER);
      expect(index.manifests.map((entry) => entry.annotations)).toEqual([annotations, annotations]);
    },
  },
  {
    section: "Listing referrers",
    level: "MUST",
    requirement: "more than fits into one manifest comes in pages, which Link leads to by rel=next",
    async check(api) {
      const pushed: string[] = [];
      for (const fill of ["a", "b", "c"]) {
        const annotations = { fill: fill.repeat(1_800_000) };
        pushed.push((await push(api, undefined, { subject: subjectOf(OTHER), annotations })).digest);
      }
      const seen: unknown[] = [];
      let query: string | undefined = "";
      while (query !== undefined) {
        const page: Awaited<ReturnType<typeof referrersOf>> = await referrersOf(api, OTHER, query);
        expect(page.bytes).toBeLessThanOrEqual(MAX_MANIFEST_BYTES);
        seen.push(...page.index.manifests.map(({ digest }) => digest));
        query = /^<[^?]*(\?.*)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
      }
      expect(seen.sort()).toEqual(pushed.sort());
    },
  },
  {
    section: "Listing referrers",
    level: "SHOULD",
    requirement: "they can be filtered by artifactType, and OCI-Filters-Applied says that they were (MUST)",
    async check(api) {
      const subject = subjectOf(OTHER);
      const { digest } = await push(api, undefined, { subject, artifactType: "application/x+y" });
      await push(api, undefined, { subject, artifactType: "application/z" });
      const filtered = await referrersOf(api, OTHER, `?artifactType=${encodeURIComponent("application/x+y")}`);
      expect(filtered.index.manifests.map((entry) => entry.digest)).toEqual([digest]);
      expect(filtered.headers.get("oci-filters-applied")).toBe("artifactType");
      expect((await referrersOf(api, OTHER)).headers.get("oci-filters-applied")).toBeNull();
    },
  },
  {
    section: "Enabling the referrers API",
    level: "MUST",
    requirement: "manifests that a client listed behind the fallback tag are listed too, each once",
    async check(api) {
      const { bytes, digest } = await push(api, undefined, {
        subject: subjectOf(OTHER),
        artifactType: "application/x",
      });
      const entry = { mediaType: OCI_MANIFEST, digest, size: bytes.byteLength, artifactType: "application/x" };
      await push(api, fallbackTag(OTHER), { ...INDEX, manifests: [entry] }, OCI_INDEX);
      expect((await referrersOf(api, OTHER)).index.manifests).toEqual([entry]);
    },
  },
];
