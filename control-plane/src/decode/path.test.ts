import { expect, test } from "vitest";
import { nearest } from "./nearest.js";
import { formatPath, parsePath } from "./path.js";

test.each([
  ["spec.http[0].route[1].weight", ["spec", "http", 0, "route", 1, "weight"]],
  ['metadata.labels["weft.mesh/inject"]', ["metadata", "labels", "weft.mesh/inject"]],
  ['a["\\"]"].b', ["a", '"]', "b"]],
  ["", []],
])("%s is a path both ways", (text, path) => {
  expect(formatPath(path)).toBe(text);
  expect(parsePath(text)).toEqual(path);
});

test.each(["spec..a", "spec[", "spec[x]", "a b"])("%s is no path", (text) => {
  expect(parsePath(text)).toBeUndefined();
});

test.each([
  ["hosst", "host"],
  ["hots", "host"],
  ["HOST", "host"],
  ["wieght", "weight"],
  ["x", undefined],
  ["something", undefined],
])("%s is nearest to %s", (word, wanted) => {
  expect(nearest(word, ["weight", "host", "subset"])).toBe(wanted);
});
