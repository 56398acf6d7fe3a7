const PERCENT = 37;
const PLUS = 43;

/** A path without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.substring(0, query);
}

/**
 * The first value of a query parameter, decoded as HTML forms encode it, so that one value has one spelling; null where
 * there is none of this name.
 */
export function queryParameter(target: string, name: string): string | null {
  let start = target.indexOf("?") + 1;
  if (start == 0) return null;
  while (start <= target.length) {
    let end = target.indexOf("&", start);
    if (end < 0) end = target.length;
    let equals = target.indexOf("=", start);
    if (equals < 0 || equals > end) equals = end;
    if (decodeComponent(target.substring(start, equals)) == name) {
      return equals == end ? "" : decodeComponent(target.substring(equals + 1, end));
    }
    start = end + 1;
  }
  return null;
}

/** %XX and + decoded, as UTF-8. What is no encoding stays as it is. */
export function decodeComponent(text: string): string {
  if (text.indexOf("%") < 0 && text.indexOf("+") < 0) return text;
  const source = Uint8Array.wrap(String.UTF8.encode(text));
  const bytes = new Uint8Array(source.length);
  let size = 0;
  for (let i = 0; i < source.length; i++) {
    let byte = source[i];
    if (byte == PLUS) byte = 32;
    else if (byte == PERCENT && i + 2 < source.length) {
      const high = hexDigit(source[i + 1]);
      const low = hexDigit(source[i + 2]);
      if (high >= 0 && low >= 0) {
        byte = <u8>((high << 4) | low);
        i += 2;
      }
    }
    bytes[size++] = byte;
  }
  return String.UTF8.decodeUnsafe(bytes.dataStart, size);
}

function hexDigit(code: u8): i32 {
  if (code >= 48 && code <= 57) return <i32>code - 48;
  const letter = <i32>code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
