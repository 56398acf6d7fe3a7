import { evaluationTable } from "../../../test/evaluation-table.js";

/*
 * Workers that read, decide and write in any order, as compare and swap lets them: a step of one of them is a reading
 * or a writing, and a seed says whose turn it is. `run` gives what was admitted, beside the least and the most that a
 * bucket may admit in that time when there are always requests waiting.
 */
const DECLARATIONS = `
import { BucketSet } from "./bucket-set";
import { Rate } from "./rate";

const SECOND: u64 = 16_000_000_000;

class Random {
  constructor(private state: u64) {}
  /* xorshift64*, the high bits. */
  next(bound: u32): u32 {
    let x = this.state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    this.state = x;
    return <u32>((x * 0x2545f4914f6cdd1d) >> 33) % bound;
  }
}

class Worker {
  pending: ArrayBuffer | null = null;
  seen: u32 = 0;
  isReading: bool = true;
  isAdmitted: bool = false;
}

class Cell {
  value: ArrayBuffer | null = null;
  version: u32 = 1;
}

class Model {
  readonly cell: Cell = new Cell();
  readonly workers: Worker[] = [];
  admitted: u64 = 0;
  refused: u64 = 0;
  swapFailed: u64 = 0;
  now: u64 = 1000 * SECOND;

  constructor(readonly rate: Rate, workers: i32, readonly random: Random) {
    for (let i = 0; i < workers; i++) this.workers.push(new Worker());
  }

  step(): void {
    const worker = this.workers[this.random.next(this.workers.length)];
    const cell = this.cell;
    if (worker.isReading) {
      const value = cell.value;
      const taken = new BucketSet(value === null ? null : value.slice(0), this.rate, this.now, 1).take(7, 1);
      worker.seen = cell.version;
      worker.pending = taken.next;
      if (!taken.admitted) this.refused++;
      else worker.isReading = false;
      return;
    }
    worker.isReading = true;
    if (worker.seen != cell.version) {
      this.swapFailed++;
      return;
    }
    cell.value = worker.pending;
    cell.version++;
    this.admitted++;
  }
}

/* A time in which about \`load\` times as many requests come as may. */
function run(seed: u64, workers: i32, requests: u64, seconds: u64, burst: u64, forSeconds: u64, load: u64): string {
  const rate = new Rate(requests, seconds, burst);
  const random = new Random(seed);
  const model = new Model(rate, workers, random);
  const end = model.now + forSeconds * SECOND;
  // A decision takes about two steps.
  const pause = <u32>(rate.cost / (2 * load));
  while (model.now < end) {
    model.step();
    model.now += random.next(2 * pause) + 1;
  }
  const most = burst + (forSeconds * requests) / seconds;
  const ok = model.admitted <= most + 1 && (model.admitted + 1) * 1000 >= most * 998;
  return ok && model.swapFailed > 0 ? "ok" : model.admitted.toString() + " of " + most.toString();
}

/* All at one moment: exactly the burst. */
function rush(seed: u64, workers: i32, burst: u64): string {
  const model = new Model(new Rate(burst, 3600, burst), workers, new Random(seed));
  for (let i: u64 = 0; i < burst * 8 + 100; i++) model.step();
  return model.admitted.toString() + (model.refused > 0 ? " and the rest refused" : "");
}
`;

const seeds = [1, 2, 3];
const rushes = [1, 2, 3, 10, 1000];

evaluationTable("rate-limit", DECLARATIONS, [
  ...seeds.flatMap((seed): [string, string][] => [
    [`run(${seed}, 4, 20, 1, 20, 10, 8)`, "ok"],
    [`run(${seed}, 4, 500, 1, 50, 10, 4)`, "ok"],
    [`run(${seed}, 4, 5000, 1, 50, 10, 4)`, "ok"],
    [`run(${seed}, 16, 5000, 1, 5000, 10, 32)`, "ok"],
    [`run(${seed}, 4, 7, 60, 3, 6000, 8)`, "ok"],
  ]),
  ...rushes.flatMap((burst) =>
    seeds.map((seed): [string, string] => [`rush(${seed}, 4, ${burst})`, `${burst} and the rest refused`]),
  ),
]);
