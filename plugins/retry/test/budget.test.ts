import { evaluationTable } from "../../../test/evaluation-table.js";

/* reserve(balance, earned, maximum, wanted) as "balance reserved", in thousandths of a token. */
const DECLARATIONS = `
import { reserve } from "./budget";
function show(balance: i64, earned: i64, maximum: i64, wanted: u32): string {
  const r = reserve(balance, earned, maximum, wanted);
  return r.balance.toString() + " " + r.reserved.toString();
}
`;

const CASES: [string, string][] = [
  ["show(10000, 200, 100000, 3)", "7200 3"],
  ["show(1800, 200, 100000, 3)", "0 2"],
  ["show(0, 200, 100000, 3)", "200 0"],
  ["show(800, 200, 100000, 3)", "0 1"],
  ["show(0, 0, 0, 3)", "0 0"],
  ["show(5000, 1000, 5000, 1)", "4000 1"],
  // The budget was larger before the configuration changed.
  ["show(50000, 0, 5000, 3)", "2000 3"],
];

evaluationTable("retry", DECLARATIONS, CASES);
