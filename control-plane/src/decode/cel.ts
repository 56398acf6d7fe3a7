import { parse } from "@bufbuild/cel";
import { type Reader, readString, refuse, show } from "./fields.js";

/**
 * An expression of CEL, whose syntax is checked: a wrong one would make Envoy refuse the whole listener.
 * https://www.envoyproxy.io/docs/envoy/v1.40.0/intro/arch_overview/advanced/attributes
 */
export const readCelExpression: Reader<string> = (field) => {
  const text = readString(4096)(field);
  if (text === undefined) return undefined;
  try {
    parse(text);
    return text;
  } catch (error) {
    // The parser has no other error than that of the syntax.
    const why = error instanceof Error ? error.message.replace(/^<input>:/, "").slice(0, 200) : String(error);
    const hint = "write a condition on Envoy's attributes, for example response.code >= 500";
    return refuse(field, "InvalidExpression", `${show(text)} is no expression of CEL: ${why}`, hint);
  }
};
