const PERCENT: u8 = 37;
const PLUS: u8 = 43;
const SPACE: u8 = 32;

/** The path of a request target: without query and fragment. */
export function pathOf(target: string): string {
  const end = pathEnd(target);
  return end == target.length ? target : target.substring(0, end);
}

/** The values of a query parameter, in order. Names and values are decoded: `%2F` is `/`, `+` is a space. */
export function queryValues(target: string, name: string): string[] {
  const values: string[] = [];
  let start = pathEnd(target) + 1;
  if (start > target.length || target.charAt(start - 1) != "?") return values;
  const fragment = target.indexOf("#", start);
  const last = fragment < 0 ? target.length : fragment;
  while (start < last) {
    const ampersand = target.indexOf("&", start);
    const end = ampersand < 0 || ampersand > last ? last : ampersand;
    const equals = target.indexOf("=", start);
    const nameEnd = equals < 0 || equals > end ? end : equals;
    if (decoded(target.substring(start, nameEnd)) == name) {
      values.push(nameEnd == end ? "" : decoded(target.substring(nameEnd + 1, end)));
    }
    start = end + 1;
  }
  return values;
}

/** The host of an `:authority`, in lower case and without the port. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(":");
  // In [::1] the colons belong to the address.
  const hasPort = colon >= 0 && authority.indexOf("]", colon) < 0;
  return lowerCase(hasPort ? authority.substring(0, colon) : authority);
}

/** An address without its port: `10.0.0.1:80`, `[::1]:80`. */
export function addressOf(address: string): string {
  const host = hostOf(address);
  return host.startsWith("[") ? host.substring(1, host.length - 1) : host;
}

function pathEnd(target: string): i32 {
  const query = target.indexOf("?");
  const fragment = target.indexOf("#");
  const end = query < 0 || (fragment >= 0 && fragment < query) ? fragment : query;
  return end < 0 ? target.length : end;
}

/* ASCII: the tables of Unicode's cases would be the largest part of the module. */
function lowerCase(text: string): string {
  let at = 0;
  while (at < text.length && <u32>(text.charCodeAt(at) - 65) >= 26) at++;
  if (at == text.length) return text;
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  for (let i = 0; i < bytes.length; i++) if (<u8>(bytes[i] - 65) < 26) bytes[i] |= 32;
  return String.UTF8.decode(bytes.buffer);
}

/* What is no escape stays as it is. */
function decoded(text: string): string {
  if (text.indexOf("%") < 0 && text.indexOf("+") < 0) return text;
  const bytes = Uint8Array.wrap(String.UTF8.encode(text));
  let to = 0;
  for (let i = 0; i < bytes.length; i++, to++) {
    const byte = bytes[i];
    bytes[to] = byte == PLUS ? SPACE : byte;
    if (byte != PERCENT || i + 2 >= bytes.length) continue;
    const high = digit(bytes[i + 1]);
    const low = digit(bytes[i + 2]);
    if (high < 0 || low < 0) continue;
    bytes[to] = <u8>(high * 16 + low);
    i += 2;
  }
  return String.UTF8.decode(bytes.buffer.slice(0, to));
}

function digit(byte: u8): i32 {
  if (<u8>(byte - 48) < 10) return byte - 48;
  const lower = byte | 32;
  return <u8>(lower - 97) < 6 ? lower - 87 : -1;
}
