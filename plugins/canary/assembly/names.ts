/** Whether a text can name a header or a cookie. https://www.rfc-editor.org/rfc/rfc9110#name-tokens */
export function isToken(text: string): bool {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const isAlphanumeric = <u32>((unit | 32) - 97) < 26 || <u32>(unit - 48) < 10;
    if (!isAlphanumeric && (unit > 126 || "!#$%&'*+-.^_`|~".indexOf(String.fromCharCode(unit)) < 0)) return false;
  }
  return text != "";
}

/** A header's name, or a pseudo header's such as `:authority`. */
export function isHeaderName(text: string): bool {
  return isToken(text.startsWith(":") ? text.substring(1) : text);
}
