/**
 * Whether a text matches a glob: `*` is any text without a slash, `**` any text. In time proportional to the product of
 * their lengths, whatever they are.
 */
export function matchesGlob(glob: string, text: string): boolean {
  const tokens = glob.match(/\*\*|[\s\S]/g) ?? [];
  // Which beginnings of the text the tokens so far can be.
  let reached = Array.from({ length: text.length + 1 }, (_, length) => length === 0);
  for (const token of tokens) {
    const next: boolean[] = [];
    for (let length = 0; length <= text.length; length++) {
      const last = text[length - 1];
      const passes = token === "**" || (token === "*" && last !== "/");
      if (token === "*" || token === "**")
        next.push(reached[length] === true || (length > 0 && passes && next[length - 1] === true));
      else next.push(length > 0 && token === last && reached[length - 1] === true);
    }
    reached = next;
  }
  return reached[text.length] === true;
}
