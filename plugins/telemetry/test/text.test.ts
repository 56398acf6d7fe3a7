import { evaluationTable } from "../../../test/evaluation-table.js";

const DECLARATIONS = `
import { labelValue } from "./text";
import { Distinct } from "./distinct";
import { firstTemplate, matchesTemplate } from "./path-template";
import { responseFlags } from "./response-flags";
import { Operation, operationOf } from "./config";
function operation(name: string, prefix: string, method: string): Operation {
  const o = new Operation();
  o.name = name;
  o.pathPrefix = prefix;
  o.method = method;
  return o;
}
const operations = [operation("read", "/items", "GET"), operation("items", "/items", ""), operation("rest", "/", "")];
function admitted(limit: i32, values: string[]): string {
  const distinct = new Distinct(limit);
  let text = "";
  for (let i = 0; i < values.length; i++) text += distinct.admit(values[i]) + " ";
  return text + distinct.refused.toString();
}
function template(path: string): string {
  const found = firstTemplate(["/users/{id}", "/users/{id}/orders", "/static/**", "/"], path);
  return found === null ? "none" : found;
}
`;

const CASES: [string, string][] = [
  ['labelValue("")', "unknown"],
  ['labelValue("gold")', "gold"],
  ['labelValue("a;b=c")', "a_b=c"],
  ['labelValue("say \\"hi\\"\\\\")', "say _hi__"],
  ['labelValue("a\\n\\tb\\u007f")', "a__b_"],
  ['labelValue("größe")', "größe"],
  ['labelValue("x".repeat(500)).length.toString()', "128"],
  ['labelValue("\\ud83d\\ude00")', "__"],
  ['admitted(2, ["a", "b", "a", "c", "b", "d"])', "a b a other b other 2"],
  ['template("/users/7")', "/users/{id}"],
  ['template("/users/7?x=/users")', "/users/{id}"],
  ['template("/users/7/orders")', "/users/{id}/orders"],
  ['template("/users/")', "none"],
  ['template("/users/7/")', "none"],
  ['template("/static/a/b.css")', "/static/**"],
  ['template("/static/")', "/static/**"],
  ['template("/static")', "none"],
  ['template("/")', "/"],
  ['template("/#part")', "/"],
  ['template("")', "none"],
  ['matchesTemplate("/a/**/b", "/a/x/b").toString()', "false"],
  ["responseFlags(0)", "-"],
  ["responseFlags(2)", "UH"],
  ["responseFlags(0x20 | 0x8000)", "UF,URX"],
  ["responseFlags((<i64>1) << 40)", "bit40"],
  ['operationOf(operations, "GET", "/items/1")', "read"],
  ['operationOf(operations, "PUT", "/items/1")', "items"],
  ['operationOf(operations, "PUT", "/other")', "rest"],
  ['operationOf([], "PUT", "/other")', "unknown"],
];

evaluationTable("telemetry", DECLARATIONS, CASES);
