import { expect, test } from "vitest";
import { parseChunkRange, parseRange } from "./range.js";

const whole = { kind: "whole" };
const part = (start: number, end: number) => ({ kind: "part", start, end });

test.each([
  [undefined, whole],
  ["", whole],
  ["bytes=0-0", part(0, 0)],
  ["bytes=2-5", part(2, 5)],
  ["bytes = 2-5", part(2, 5)],
  ["BYTES=2-5", part(2, 5)],
  ["bytes=9-", part(9, 9)],
  ["bytes=0-99", part(0, 9)],
  ["bytes=-3", part(7, 9)],
  ["bytes=-99", part(0, 9)],
  ["bytes=10-", { kind: "unsatisfiable" }],
  ["bytes=10-20", { kind: "unsatisfiable" }],
  ["bytes=-0", { kind: "unsatisfiable" }],
  ["bytes=5-2", whole],
  ["bytes=-", whole],
  ["bytes=a-b", whole],
  ["bytes=0-1,4-5", whole],
  ["lines=0-1", whole],
  ["bytes=--1", whole],
  ["bytes=0-9999999999999999", whole],
])("parseRange(%j) of 10 bytes", (header, expected) => {
  expect(parseRange(header, 10)).toEqual(expected);
});

test("nothing of an empty content can be asked for", () => {
  expect(parseRange("bytes=0-", 0)).toEqual({ kind: "unsatisfiable" });
  expect(parseRange("bytes=-1", 0)).toEqual({ kind: "unsatisfiable" });
});

test.each([
  ["0-0", { start: 0, length: 1 }],
  ["5-9", { start: 5, length: 5 }],
  ["9-5", undefined],
  ["bytes 0-5/10", undefined],
  ["bytes=0-5", undefined],
  ["0-", undefined],
  ["-5", undefined],
  ["", undefined],
])("parseChunkRange(%j)", (header, expected) => {
  expect(parseChunkRange(header)).toEqual(expected);
});
