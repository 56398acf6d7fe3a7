import { type Reader, readString, refuse, show } from "./fields.js";

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** A token of HTTP, such as a method. */
export const readToken: Reader<string> = (field) => {
  const token = readString(256)(field);
  if (token === undefined || TOKEN.test(token)) return token;
  return refuse(field, "InvalidName", `${show(token)} is not a token of HTTP`, "use letters, digits and -");
};

/** The name of a header, in lower case. `pseudo` is what to do instead of naming one that begins with a colon. */
export function readHeaderName(pseudo: string): Reader<string> {
  return (field) => {
    const name = readString(256)(field);
    if (name === undefined || TOKEN.test(name)) return name?.toLowerCase();
    const hint = name.startsWith(":")
      ? pseudo
      : name.startsWith("@request.auth.claims")
        ? "claims can be matched at gateways only; let a plugin copy the claim to a header"
        : "write the name of a header, for example x-canary";
    return refuse(field, "InvalidName", `${show(name)} is not the name of a header`, hint);
  };
}
