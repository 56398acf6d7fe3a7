import { compareStrings } from "../model/compare.js";
import {
  child,
  type Field,
  type Reader,
  readAnyString,
  readList,
  readObject,
  readOneOf,
  readString,
  refuse,
} from "./fields.js";

const MAX_VARIABLES = 256;
const MAX_VALUE = 2048;
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

const readName: Reader<string> = (field) => {
  const name = readString(256)(field);
  if (name === undefined || NAME.test(name)) return name;
  const hint = "use letters, digits, _, . and -, not a digit first";
  return refuse(field, "InvalidName", "is not the name of an environment variable", hint);
};

const readVariable: Reader<readonly [string, string]> = readObject((fields, field) => {
  const name = fields.required("name", readName, "name the variable");
  const from = fields.optional(
    "valueFrom",
    readOneOf(["INLINE"], { HOST: "write the value: a proxy's environment is not the plugin's to read" }),
  );
  const isElsewhere = fields.has("valueFrom") && from === undefined;
  const value = isElsewhere
    ? fields.optional("value", readAnyString(MAX_VALUE))
    : fields.required("value", readAnyString(MAX_VALUE), "give the variable a value");
  if (value?.includes("\0"))
    return refuse(child(field, "value", value), "InvalidValue", "has a zero byte in it", "remove it");
  return name === undefined || value === undefined ? undefined : [name, value];
});

/** `vmConfig` of a WasmPlugin: the environment variables of the VM, sorted by name. */
export const readVmConfig: Reader<Readonly<Record<string, string>>> = readObject((fields, field: Field) => {
  const variables = fields.optional("env", readList(readVariable, { max: MAX_VARIABLES })) ?? [];
  const names = variables.map(([name]) => name);
  const twice = names.find((name, position) => names.indexOf(name) !== position);
  if (twice !== undefined)
    return refuse(child(field, "env", undefined), "DuplicateName", `has ${twice} twice`, "remove one of the two");
  return Object.fromEntries([...variables].sort(([a], [b]) => compareStrings(a, b)));
});
