const KEYWORDS =
  "abstract as async await break class const constructor continue else enum export extends false for from function get if implements import in instanceof interface let new null of private protected public readonly return set static super switch this throw true type typeof undefined var void while";

const TOKEN = new RegExp(
  [
    String.raw`(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\`(?:\\.|[^\`\\])*\`)`,
    String.raw`(?<mark>@\w+)`,
    String.raw`(?<number>\b\d[\w.]*)`,
    `(?<keyword>\\b(?:${KEYWORDS.replaceAll(" ", "|")})\\b)`,
  ].join("|"),
  "g",
);

/** HTML of code: TypeScript's words are marked, other languages are left as they are. */
export function highlight(code: string, language: string, escapeHtml: (text: string) => string): string {
  if (language !== "ts") return escapeHtml(code);
  let html = "";
  let from = 0;
  for (const found of code.matchAll(TOKEN)) {
    html += escapeHtml(code.slice(from, found.index));
    from = found.index + found[0].length;
    const kind = Object.entries(found.groups ?? {}).find(([, text]) => text !== undefined)?.[0] ?? "";
    html += `<span class=${kind}>${escapeHtml(found[0])}</span>`;
  }
  return html + escapeHtml(code.slice(from));
}
