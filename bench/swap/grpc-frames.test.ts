import { expect, test } from "vitest";
import { createFrameReader, frame } from "./grpc-frames.js";

const MESSAGES = ["", "a", "some more bytes", "x".repeat(1000)];
const stream = Buffer.concat(MESSAGES.map((text) => frame(Buffer.from(text))));

test.each([1, 2, 3, 7, 64, 1e6])("messages arrive whole from chunks of %d bytes", (size) => {
  const got: string[] = [];
  const read = createFrameReader((message) => got.push(message.toString()));
  for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
  expect(got).toEqual(MESSAGES);
});

test("a compressed message is refused", () => {
  const read = createFrameReader(() => {});
  expect(() => read(Buffer.from([1, 0, 0, 0, 0]))).toThrow("compressed");
});

test("a message that claims too much is refused before it is held", () => {
  const read = createFrameReader(() => {});
  expect(() => read(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]))).toThrow("too large");
});
