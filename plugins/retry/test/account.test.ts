import { evaluationTable } from "../../../test/evaluation-table.js";

/*
 * Steps on an account, seconds apart where told, and what it has in the end: tokens in the balance, those that workers
 * hold, and those that were held in the last epoch. "T" takes, "G" gives back, "E" earns thousandths of a token, "@"
 * waits so many seconds, "R" reports: what was said before / now.
 */
const DECLARATIONS = `
import { Account, EPOCH, Terms, TOKEN } from "./account";

const START: u64 = 1000 * EPOCH;

function run(steps: string, minimum: u32, maximum: u32, perSecond: f64 = 0): string {
  const terms = new Terms(0.2, perSecond, minimum, maximum);
  const bytes = new ArrayBuffer(Account.BYTES);
  let stored: ArrayBuffer | null = null;
  let now = START;
  let reported: u64 = START / EPOCH;
  let taken = "";
  const parts = steps.split(" ");
  for (let i = 0; i < parts.length; i++) {
    const step = parts[i];
    const values = step.substring(1).split("/");
    const value = parseFloat(values[0]);
    if (step.startsWith("@")) now += <u64>(value * 1e9);
    const account = Account.read(stored, terms, now);
    account.refill(now, terms);
    if (step.startsWith("T")) taken += account.take(<u32>value).toString() + " ";
    if (step.startsWith("G")) account.giveBack(<u32>value);
    if (step.startsWith("E")) account.earn(<i64>(value * 1000), terms);
    if (step.startsWith("R")) {
      account.report(<u32>value, reported, <u32>parseInt(values[1]), terms);
      reported = account.epoch;
    }
    account.write(bytes);
    stored = bytes;
  }
  const account = Account.read(stored, terms, now);
  const balance = <f64>account.balance / <f64>TOKEN;
  return taken + "| " + balance.toString() + " " + account.held.toString() + " " + account.heldBefore.toString();
}
`;

const CASES: [string, string][] = [
  // Tokens are taken whole, as many as there are.
  ['run("T3", 10, 100)', "3 | 7.0 3 0"],
  ['run("T3 T3 T3 T3", 10, 100)', "3 3 3 1 | 0.0 10 0"],
  ['run("E900 T1 E200 T1", 0, 100)', "0 1 | 0.1 1 0"],
  ['run("T1", 0, 0)', "0 | 0.0 0 0"],
  // What is held counts towards the maximum, so that together there are never more.
  ['run("T10 E5000", 10, 10)', "10 | 0.0 10 0"],
  ['run("T6 E5000", 10, 10)', "6 | 4.0 6 0"],
  ['run("T6 R6/4 E5000", 10, 10)', "6 | 6.0 4 0"],
  ['run("T6 G6 E5000", 10, 10)', "6 | 10.0 0 0"],
  // The minimum is possible also where the maximum is lower.
  ['run("T1", 20, 5)', "1 | 19.0 1 0"],
  // More than was taken cannot be given back.
  ['run("T2 G5", 10, 100)', "2 | 10.0 0 0"],
  // A worker that reports keeps its tokens over the epochs; one that does not is forgotten after two.
  ['run("T6 @10 R6/6 @10 R6/6 @10 R6/6 E100000", 10, 10)', "6 | 4.0 6 0"],
  ['run("T6 @10 E100000", 10, 10)', "6 | 4.0 0 6"],
  ['run("T6 @10 @10 E100000", 10, 10)', "6 | 10.0 0 0"],
  ['run("T6 @100 E100000", 10, 10)', "6 | 10.0 0 0"],
  // Forgotten and there after all: the balance makes room.
  ['run("T6 @100 E100000 R6/6", 10, 10)', "6 | 4.0 6 0"],
  ['run("T6 @10 R6/0 E100000", 10, 10)', "6 | 10.0 0 0"],
  // By the second; parts of a token are not lost, however often somebody looks.
  ['run("T0 @5", 0, 100, 2)', "0 | 10.0 0 0"],
  ['run("T0 @0.25 @0.25 @0.25 @0.25", 0, 100, 1)', "0 | 1.0 0 0"],
  [`run("T0 ${Array.from({ length: 1000 }, () => "@0.0000003").join(" ")} @0.9997", 0, 100, 1)`, "0 | 1.0 0 0"],
  ['run("T0 @1000000", 0, 100, 10000)', "0 | 100.0 0 0"],
];

evaluationTable("retry", DECLARATIONS, CASES);
