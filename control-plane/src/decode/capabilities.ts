import { compareStrings } from "../model/compare.js";
import { type Reader, readList, readString, refuse, show } from "./fields.js";

const NAME = /^[a-z][a-z0-9_]{0,127}$/;

const readCapability: Reader<string> = (field) => {
  const name = readString(128)(field);
  if (name === undefined || NAME.test(name)) return name;
  const hint = "write the name of a host function as a module imports it, for example proxy_http_call or fd_write";
  return refuse(field, "InvalidName", `${show(name)} is not the name of a host function`, hint);
};

/** Names of host functions, sorted, each once. Whether Envoy has them is seen when the module is there. */
export const readCapabilities: Reader<readonly string[]> = (field) => {
  const names = readList(readCapability, { max: 200 })(field);
  return names && [...new Set(names)].sort(compareStrings);
};
