import { type Reader, readString, refuse, show } from "./fields.js";

const AUTHORITY = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** A host, with a port or without, as it stands in a Host header. */
export const readAuthority: Reader<string> = (field) => {
  const text = readString(253)(field);
  if (text === undefined || AUTHORITY.test(text)) return text;
  return refuse(field, "InvalidHost", `${show(text)} is not a host`, "write a host, with :port where it has one");
};

/** A path, perhaps with a query, as it stands in the first line of a request. */
export const readRequestPath: Reader<string> = (field) => {
  const text = readString()(field);
  if (text === undefined || /^\/[\x21\x22\x24-\x7e]*$/.test(text)) return text;
  const hint = text.startsWith("/") ? "write other characters as %XX" : "begin it with /";
  return refuse(field, "InvalidPath", `${show(text)} is not a path`, hint);
};
