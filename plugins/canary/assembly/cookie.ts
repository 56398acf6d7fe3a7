const SEMICOLON = ";";
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;
const EQUALS = 61;

/**
 * The values of a cookie in Cookie headers, in order, without the quotes around them. As browsers and Envoy do it, a
 * semicolon ends a pair also between quotes.
 * https://www.rfc-editor.org/rfc/rfc6265#section-4.2
 */
export function cookieValues(headers: string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    let start = 0;
    while (start < header.length) {
      const semicolon = header.indexOf(SEMICOLON, start);
      const end = semicolon < 0 ? header.length : semicolon;
      while (start < end && isSpace(header, start)) start++;
      const value = start + name.length;
      if (value < end && header.charCodeAt(value) == EQUALS && header.startsWith(name, start)) {
        values.push(unquoted(header, value + 1, end));
      }
      start = end + 1;
    }
  }
  return values;
}

function unquoted(text: string, from: i32, to: i32): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text, start)) start++;
  while (end > start && isSpace(text, end - 1)) end--;
  const isQuoted = end - start >= 2 && text.charCodeAt(start) == QUOTE && text.charCodeAt(end - 1) == QUOTE;
  return isQuoted ? text.substring(start + 1, end - 1) : text.substring(start, end);
}

function isSpace(text: string, at: i32): bool {
  const unit = text.charCodeAt(at);
  return unit == SPACE || unit == TAB;
}
