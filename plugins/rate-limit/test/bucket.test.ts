import { evaluationTable } from "../../../test/evaluation-table.js";

/* take(bucket, fingerprint, now, limit 3, window 100) as "admitted remaining reset bucket". */
const DECLARATIONS = `
import { Bucket, take } from "./bucket";
function show(bucket: Bucket | null, now: u64): string {
  const d = take(bucket, 7, now, 3, 100);
  const b = d.bucket;
  const after = b === null ? "unchanged" : b.fingerprint.toString() + "@" + b.start.toString() + ":" + b.taken.toString();
  return d.admitted.toString() + " " + d.remaining.toString() + " " + d.resetNs.toString() + " " + after;
}
function roundTrip(bucket: Bucket): string {
  const read = Bucket.read(bucket.write())!;
  return read.fingerprint.toString() + " " + read.start.toString() + " " + read.taken.toString();
}
`;

const CASES: [string, string][] = [
  ["show(null, 1000)", "true 2 100 7@1000:1"],
  ["show(new Bucket(7, 1000, 1), 1010)", "true 1 90 7@1000:2"],
  ["show(new Bucket(7, 1000, 2), 1099)", "true 0 1 7@1000:3"],
  ["show(new Bucket(7, 1000, 3), 1099)", "false 0 1 unchanged"],
  ["show(new Bucket(7, 1000, 3), 1100)", "true 2 100 7@1100:1"],
  ["show(new Bucket(9, 1000, 3), 5000)", "true 2 100 7@5000:1"],
  // Another worker read its clock a little later.
  ["show(new Bucket(7, 1000, 1), 990)", "true 1 100 7@1000:2"],
  // The limit was larger when these were taken.
  ["show(new Bucket(7, 1000, 8), 1050)", "false 0 50 unchanged"],
  ["roundTrip(new Bucket(u64.MAX_VALUE, 2, 3))", "18446744073709551615 2 3"],
  ['Bucket.read(new ArrayBuffer(8)) === null ? "null" : "bucket"', "null"],
];

evaluationTable("rate-limit", DECLARATIONS, CASES);
