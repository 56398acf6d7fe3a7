import { decodeObject } from "../../control-plane/src/decode/decode.js";
import { apiVersionsOf, type KindDefinition } from "../../control-plane/src/decode/kinds.js";
import { formatPath, type Path } from "../../control-plane/src/decode/path.js";

/** What a decoder reads at one place, found out from what it says of probes. */
export type DecoderNode =
  | { readonly kind: "object"; readonly fields: ReadonlyMap<string, DecoderNode> }
  | { readonly kind: "map"; readonly values: DecoderNode }
  | { readonly kind: "list"; readonly items: DecoderNode }
  | { readonly kind: "value"; readonly type: "string" | "number" | "integer" | "boolean" | "any" }
  /** Of the API, and refused whatever it says. */
  | { readonly kind: "unsupported" };

/** A field that no API has, and that resembles none. */
const PROBE = "qqqqqqqqqqqqqqqq";
/** Maps differ in the keys that they take: names, labels, ports, localities. */
const KEYS = ["q", "8080"];

/** All that is read below `spec` of a kind, as far as the decoder goes. */
export function decoderFields(definition: KindDefinition): DecoderNode {
  const [apiVersion] = apiVersionsOf(definition);
  const name = definition.kind === "MeshConfig" ? "default" : "x";
  function problems(path: Path, value: unknown) {
    const spec = path
      .slice(1)
      .reduceRight<unknown>((inner, part) => (typeof part === "number" ? [inner] : { [part]: inner }), value);
    const result = decodeObject({ apiVersion, kind: definition.kind, metadata: { name }, spec });
    return result.ok ? result.warnings : result.diagnostics;
  }

  function explore(path: Path): DecoderNode {
    const found = problems(path, { [PROBE]: { [PROBE]: 1 } });
    const at = (field: string) => found.filter((problem) => problem.field === field);
    const here = at(formatPath(path));
    const [unknown] = at(formatPath([...path, PROBE])).filter(({ reason }) => reason === "UnknownField");
    if (unknown !== undefined) {
      const [, names = ""] = /the fields here are (.*)$/.exec(unknown.hint) ?? [];
      const fields = names === "" ? [] : names.split(", ");
      return { kind: "object", fields: new Map(fields.map((field) => [field, explore([...path, field])])) };
    }
    const wrongType = here.find(({ reason }) => reason === "WrongType");
    const [, wanted] = /, where (.+) is wanted$/.exec(wrongType?.message ?? "") ?? [];
    if (wanted === "a list") return { kind: "list", items: explore([...path, 0]) };
    if (wanted !== undefined) return { kind: "value", type: typeOf(wanted) };
    if (here.some(({ reason }) => reason === "UnsupportedField")) return { kind: "unsupported" };
    for (const key of KEYS) {
      const inner = problems([...path, key], { [PROBE]: 1 });
      const place = formatPath([...path, key]);
      const reached = inner.some(({ field = "", reason }) => field.startsWith(place) && reason !== "InvalidName");
      if (reached) return { kind: "map", values: explore([...path, key]) };
    }
    return { kind: "value", type: "any" };
  }
  return explore(["spec"]);
}

function typeOf(wanted: string): "string" | "number" | "integer" | "boolean" | "any" {
  switch (wanted) {
    case "a string":
      return "string";
    case "a whole number":
      return "integer";
    case "a number":
      return "number";
    case "true or false":
      return "boolean";
    default:
      return "any";
  }
}
