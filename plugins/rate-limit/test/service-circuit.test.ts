import { evaluationTable } from "../../../test/evaluation-table.js";

/* run(threshold, script): `f` fails, `s` succeeds, `?` asks whether a call is allowed, `+` lets 10 of 100 ns pass. */
const DECLARATIONS = `
import { Circuit } from "./service/circuit";
function run(threshold: u32, script: string): string {
  const circuit = new Circuit(threshold, 100);
  let now: u64 = 1000;
  let said = "";
  for (let i = 0; i < script.length; i++) {
    const step = script.charAt(i);
    if (step == "+") now += 10;
    else if (step == "?") said += circuit.allows(now) ? "y" : "n";
    else if (step == "f") said += circuit.failed(now) ? "F" : "f";
    else said += circuit.succeeded() ? "S" : "s";
  }
  return said;
}
`;

const LATER = "++++++++++";

const CASES: [string, string][] = [
  ['run(3, "?????")', "yyyyy"],
  // Only failures in a row count; capital letters are the changes.
  ['run(3, "ffsff?")', "ffsffy"],
  ['run(3, "fff?")', "ffFn"],
  ['run(1, "f?")', "Fn"],
  // One call in each period tries it.
  [`run(3, "fff${LATER}????")`, "ffFynnn"],
  [`run(3, "fff+++++++++?+???")`, "ffFnynn"],
  [`run(3, "fff${LATER}?f?${LATER}??")`, "ffFyfnyn"],
  // The try's answer ends it, at once.
  [`run(3, "fff${LATER}?s???")`, "ffFySyyy"],
  // So does a late answer of a call that was made before.
  ['run(3, "fffs??")', "ffFSyy"],
  // A try that nobody hears of again does not block the next.
  [`run(3, "fff${LATER}?${LATER}??")`, "ffFyyn"],
  // Late failures do not put off the next try.
  [`run(3, "fff+++++ffff+++++?")`, "ffFffffy"],
  // After it has ended, all of them must fail again.
  [`run(2, "ffsf?f?")`, "fFSfyFn"],
];

evaluationTable("rate-limit", DECLARATIONS, CASES);
