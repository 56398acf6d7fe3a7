import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { POD_ANNOTATIONS } from "./pod-annotations.js";

const GUIDE = readFileSync(new URL("../../../docs/injection.md", import.meta.url), "utf8");

it("has every annotation that users may write in its table, and no other", () => {
  const table = GUIDE.slice(GUIDE.indexOf("## Annotations"), GUIDE.indexOf("## weft inject"));
  const named = [...table.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );
  expect(named.sort()).toEqual([...POD_ANNOTATIONS].sort());
});
