import { evaluationTable } from "../../../test/evaluation-table.js";

const DECLARATIONS = `
import { Descriptor, Entry, withoutPort } from "./descriptor";
import { keyOfDescriptor } from "./descriptor-key";
import { decodeComponent, pathOf, queryParameter } from "./path";

function query(target: string, name: string): string {
  const value = queryParameter(target, name);
  return value === null ? "missing" : "'" + value + "'";
}
function keyOf(texts: string[]): u64 {
  const entries: Entry[] = [];
  for (let i = 0; i < texts.length; i += 2) entries.push(new Entry(texts[i], texts[i + 1]));
  return keyOfDescriptor(new Descriptor(0, entries), 5);
}
function differ(a: string[], b: string[]): string {
  return keyOf(a) == keyOf(b) ? "same" : "different";
}
`;

evaluationTable("rate-limit", DECLARATIONS, [
  ['pathOf("/a?b?c")', "/a"],
  ['pathOf("/a")', "/a"],
  ['pathOf("")', ""],
  ['query("/a?k=v", "k")', "'v'"],
  ['query("/a?x&k=v=w&k=2", "k")', "'v=w'"],
  ['query("/a?k", "k")', "''"],
  ['query("/a?k&k=1", "k")', "''"],
  ['query("/a?kk=1", "k")', "missing"],
  ['query("/a?", "k")', "missing"],
  ['query("/k=1", "k")', "missing"],
  ['query("/a?%6b=%31+%32", "k")', "'1 2'"],
  ['decodeComponent("%c3%A9")', "é"],
  ['decodeComponent("é%20")', "é "],
  ['decodeComponent("%")', "%"],
  ['decodeComponent("%4")', "%4"],
  ['decodeComponent("%zz%41")', "%zzA"],
  ['withoutPort("10.0.0.1:80")!', "10.0.0.1"],
  ['withoutPort("[::1]:80")!', "::1"],
  ['withoutPort("/run/app.sock")!', "/run/app.sock"],
  ['withoutPort(null) === null ? "null" : ""', "null"],
  ['differ(["k", "v"], ["k", "v"])', "same"],
  ['differ(["k", "v"], ["k", "w"])', "different"],
  ['differ(["k", "v"], ["kv", ""])', "different"],
  ['differ(["a", "b", "c", "d"], ["a", "bcd"])', "different"],
  ['differ(["a", "b\\0c"], ["a", "b", "c", ""])', "different"],
  [
    'keyOfDescriptor(new Descriptor(0, []), 1) == keyOfDescriptor(new Descriptor(0, []), 2) ? "same" : "different"',
    "different",
  ],
]);
