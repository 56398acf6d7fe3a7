import { evaluationTable } from "../../../test/evaluation-table.js";

/*
 * take: a series of requests for tokens at moments in ticks, "+" for one that is admitted and "-" for one that is not,
 * with what is left; then the last one's wait and the time until the bucket is full.
 * crowd: how many of the requests at moment 0 of so many keys are admitted in a set of so many places.
 */
const DECLARATIONS = `
import { BucketSet, Place, Taken } from "./bucket-set";
import { Rate, secondsOfTicks, ticksOf } from "./rate";

const SECOND: u64 = 16_000_000_000;
const DAY: u64 = 86400;

function rate(requests: u64, seconds: u64, burst: u64): string {
  const r = new Rate(requests, seconds, burst);
  return r.cost.toString() + " " + r.capacity.toString();
}

function take(r: Rate, moments: u64[]): string {
  let stored: ArrayBuffer | null = null;
  let text = "";
  let last: Taken | null = null;
  for (let i = 0; i < moments.length; i++) {
    const taken = new BucketSet(stored, r, 1000 * SECOND + moments[i], 1).take(7, 1);
    if (taken.next !== null) stored = taken.next;
    text += (taken.admitted ? "+" : "-") + taken.remaining.toString() + " ";
    last = taken;
  }
  return text + last!.waitTicks.toString() + " " + last!.fullTicks.toString();
}

/* How many of the requests that come every so many ticks are admitted. */
function flow(r: Rate, every: u64, count: i32): string {
  let stored: ArrayBuffer | null = null;
  let admitted = 0;
  for (let i = 0; i < count; i++) {
    const taken = new BucketSet(stored, r, 1000 * SECOND + <u64>i * every, 1).take(7, 1);
    if (taken.next !== null) stored = taken.next;
    if (taken.admitted) admitted++;
  }
  return admitted.toString();
}

class Step {
  stored: ArrayBuffer | null = null;
  places: string = "";
  admitted: i32 = 0;
  constructor(readonly r: Rate, readonly size: i32) {}
  take(now: u64, key: u64): Step {
    const taken = new BucketSet(this.stored, this.r, 1000 * SECOND + now, this.size).take(key, 1);
    const next = taken.next;
    if (next !== null) this.stored = next;
    this.places += taken.place.toString() + (taken.admitted ? "+" : "-");
    if (taken.admitted) this.admitted++;
    return this;
  }
  back(now: u64, key: u64, place: Place): Step {
    const next = new BucketSet(this.stored, this.r, 1000 * SECOND + now, this.size).giveBack(key, place, 1);
    if (next !== null) this.stored = next;
    this.places += next === null ? "n" : "b";
    return this;
  }
  as(r: Rate): Step {
    const step = new Step(r, this.size);
    step.stored = this.stored;
    return step;
  }
  get bytes(): string {
    return (this.stored === null ? 0 : this.stored!.byteLength).toString();
  }
}

function crowd(keys: i32, each: i32, size: i32): string {
  const step = new Step(new Rate(2, 1, 2), size);
  for (let round = 0; round < each; round++) for (let key = 1; key <= keys; key++) step.take(0, key);
  return step.admitted.toString() + " " + step.bytes;
}
`;

const S = "SECOND";

const CASES: [string, string][] = [
  // A second has 1.6e10 ticks. What a token costs is rounded up.
  ["rate(1, 1, 1)", "16000000000 16000000000"],
  ["rate(3, 1, 3)", "5333333334 16000000002"],
  ["rate(1000000, 1, 1)", "16000 16000"],
  ["rate(1, DAY, 1)", "1382400000000000 1382400000000000"],
  ["rate(1, 366 * DAY, 1)", "505958400000000000 505958400000000000"],
  ["rate(1000000000, 1000, 1000000000)", "16000 16000000000000"],
  ["secondsOfTicks(0).toString()", "0"],
  ["secondsOfTicks(1).toString()", "1"],
  ["secondsOfTicks(SECOND).toString()", "1"],
  ["secondsOfTicks(SECOND + 1).toString()", "2"],
  ["ticksOf(3).toString()", "48"],

  ["take(new Rate(2, 2, 2), [0])", "+1 0 16000000000"],
  ["take(new Rate(2, 2, 2), [0, 0])", "+1 +0 0 32000000000"],
  ["take(new Rate(2, 2, 2), [0, 0, 0])", "+1 +0 -0 16000000000 32000000000"],
  [`take(new Rate(2, 2, 2), [0, 0, ${S} - 1])`, "+1 +0 -0 1 16000000001"],
  [`take(new Rate(2, 2, 2), [0, 0, ${S}])`, "+1 +0 +0 0 32000000000"],
  [`take(new Rate(2, 2, 2), [0, 0, ${S}, ${S}])`, "+1 +0 +0 -0 16000000000 32000000000"],
  // It fills to the burst and no further.
  [`take(new Rate(2, 2, 2), [0, 0, 9 * ${S}, 9 * ${S}, 9 * ${S}])`, "+1 +0 +1 +0 -0 16000000000 32000000000"],
  [`take(new Rate(10, 1, 1), [0, ${S} / 10 - 1, ${S} / 10])`, "+0 -0 +0 0 1600000000"],

  // Ten seconds of twice the rate, and the burst.
  [`flow(new Rate(20, 1, 20), ${S} / 40, 400)`, "219"],
  [`flow(new Rate(5000, 1, 50), ${S} / 10000, 100000)`, "50049"],
  [`flow(new Rate(1000000, 1, 1), ${S} / 4000000, 400000)`, "100000"],
  // Half the rate: all. The rate exactly: all.
  [`flow(new Rate(7, 1, 1), 2 * ${S} / 7 + 1, 100000)`, "100000"],
  [`flow(new Rate(7, 1, 1), ${S} / 7 + 1, 100000)`, "100000"],
  // One a day: a request a minute for a hundred days.
  [`flow(new Rate(1, DAY, 1), 60 * ${S}, 144000)`, "100"],

  // 0 own, 1 added, 2 replaced, 3 shared.
  ["new Step(new Rate(1, 1, 1), 2).take(0, 1).take(0, 1).take(0, 2).take(0, 2).places", "1+0-1+0-"],
  ["new Step(new Rate(1, 1, 1), 2).take(0, 1).take(0, 2).take(0, 3).take(0, 4).places", "1+1+3+3-"],
  [`new Step(new Rate(1, 1, 1), 2).take(0, 1).take(0, 2).take(${S}, 3).take(${S}, 2).bytes`, "48"],
  [`new Step(new Rate(1, 1, 1), 2).take(0, 1).take(0, 2).take(${S}, 3).take(${S}, 2).places`, "1+1+2+0+"],
  // Who took from the shared bucket takes that along to a place: no second burst.
  [`new Step(new Rate(2, 2, 2), 1).take(0, 1).take(${S} / 2, 9).take(${S} / 2, 9).places`, "1+3+3+"],
  [
    `new Step(new Rate(2, 2, 2), 1).take(0, 1).take(${S} / 2, 9).take(${S} / 2, 9).take(${S}, 9).take(${S}, 9).places`,
    "1+3+3+2-2-",
  ],
  [
    `new Step(new Rate(2, 2, 2), 1).take(0, 1).take(${S} / 2, 9).take(${S} / 2, 9).take(3 * ${S} / 2, 9).take(3 * ${S} / 2, 9).places`,
    "1+3+3+2+0-",
  ],
  // Two of each of 3 keys; of 9 keys in 8 places two share what one would have; and never more than 9 buckets.
  ["crowd(3, 5, 8)", "6 64"],
  ["crowd(9, 5, 8)", "18 144"],
  ["crowd(1000, 3, 8)", "18 144"],
  ["crowd(1000, 3, 1)", "4 32"],

  ["new Step(new Rate(1, 1, 1), 1).take(0, 1).back(0, 1, Place.Own).take(0, 1).take(0, 1).places", "1+b0+0-"],
  [
    "new Step(new Rate(1, 1, 1), 1).take(0, 1).take(0, 2).back(0, 2, Place.Shared).take(0, 3).take(0, 1).places",
    "1+3+b3+0-",
  ],
  // What is full or gone gets nothing back.
  [`new Step(new Rate(1, 1, 1), 1).take(0, 1).back(${S}, 1, Place.Own).back(0, 5, Place.Own).places`, "1+nn"],
  ["new Step(new Rate(1, 1, 1), 1).back(0, 1, Place.Own).back(0, 1, Place.Shared).places", "nn"],

  // Two of two, then three of three; ten of ten, then five of five.
  ["new Step(new Rate(2, 60, 2), 1).take(0, 1).take(0, 1).as(new Rate(3, 60, 3)).take(0, 1).take(0, 1).places", "0+0-"],
  ["new Step(new Rate(2, 60, 2), 1).take(0, 1).take(0, 1).as(new Rate(9, 1, 2)).take(0, 1).places", "0-"],
  // Bytes that are no set are as good as none.
  ["new BucketSet(new ArrayBuffer(24), new Rate(1, 1, 1), 5, 1).take(7, 1).next!.byteLength.toString()", "32"],
  ["new BucketSet(new ArrayBuffer(0), new Rate(1, 1, 1), 5, 1).take(7, 1).next!.byteLength.toString()", "32"],
];

evaluationTable("rate-limit", DECLARATIONS, CASES);
