import { highlight } from "./highlight.js";

export interface RenderOptions {
  /** Where a link goes. */
  link(href: string): string;
  /** Where inline code links to, if it names something. */
  linkCode(code: string): string | undefined;
  /** The id of a heading. */
  headingId(text: string): string;
}

/**
 * HTML of the Markdown that the guide and the reference are written in: headings, paragraphs, fenced code, tables,
 * lists, and within a line code, bold, links, addresses and anchors. Anything else is text.
 */
export function renderMarkdown(text: string, options: RenderOptions): string {
  return blocks(text.split("\n"), options).join("\n");
}

function blocks(lines: readonly string[], options: RenderOptions): string[] {
  const out: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const { html, next } = block(lines, at, options);
    if (html !== "") out.push(html);
    at = next;
  }
  return out;
}

interface Block {
  readonly html: string;
  readonly next: number;
}

function block(lines: readonly string[], at: number, options: RenderOptions): Block {
  const line = lines[at] ?? "";
  if (line.trim() === "") return { html: "", next: at + 1 };
  if (line.startsWith("```")) return fence(lines, at);
  const heading = /^(#{1,6}) (.*)$/.exec(line);
  if (heading !== null) {
    const [, marks = "", title = ""] = heading;
    const id = escapeHtml(options.headingId(title));
    return { html: `<h${marks.length} id="${id}">${inline(title, options)}</h${marks.length}>`, next: at + 1 };
  }
  if (line.startsWith("|")) return table(lines, at, options);
  if (/^(- |\d+\. )/.test(line)) return list(lines, at, options);
  let next = at;
  while (next < lines.length && !/^(\s*$|```|#{1,6} |\||- |\d+\. )/.test(lines[next] ?? "")) next++;
  next = Math.max(next, at + 1);
  return { html: `<p>${inline(lines.slice(at, next).join(" "), options)}</p>`, next };
}

function fence(lines: readonly string[], at: number): Block {
  const [language = "", ...info] = (lines[at] ?? "").slice(3).trim().split(" ");
  let end = at + 1;
  while (end < lines.length && !lines[end]?.startsWith("```")) end++;
  const code = lines.slice(at + 1, end).join("\n");
  const kind = info.includes("signature") ? " class=signature" : "";
  return { html: `<pre${kind}><code>${highlight(code, language, escapeHtml)}</code></pre>`, next: end + 1 };
}

function table(lines: readonly string[], at: number, options: RenderOptions): Block {
  let next = at;
  while (lines[next]?.startsWith("|")) next++;
  const cells = (line: string) =>
    line
      .replace(/^\||\|\s*$/g, "")
      .split(/(?<!\\)\|/)
      .map((cell) => inline(cell.trim().replaceAll("\\|", "|"), options));
  const row = (line: string, tag: string) =>
    `<tr>${cells(line)
      .map((cell) => `<${tag}>${cell}</${tag}>`)
      .join("")}</tr>`;
  const [head = "", , ...rows] = lines.slice(at, next);
  const body = rows.map((line) => row(line, "td")).join("\n");
  return { html: `<div class=wide><table>\n${row(head, "th")}\n${body}\n</table></div>`, next };
}

function list(lines: readonly string[], at: number, options: RenderOptions): Block {
  const marker = /^(- |\d+\. )/;
  const tag = lines[at]?.startsWith("- ") === true ? "ul" : "ol";
  const items: string[][] = [];
  let next = at;
  for (; next < lines.length; next++) {
    const line = lines[next] ?? "";
    const isNext = marker.test(line);
    const goesOn = line.startsWith("  ") || (line === "" && (lines[next + 1] ?? "").startsWith("  "));
    if (isNext) items.push([line.replace(marker, "")]);
    else if (goesOn) items.at(-1)?.push(line.replace(/^ {2,3}/, ""));
    else if (line === "" && marker.test(lines[next + 1] ?? "")) items.at(-1)?.push("");
    else break;
  }
  const html = items.map((item) => {
    const inner = blocks(item, options);
    const only = inner.length === 1 ? /^<p>([\s\S]*)<\/p>$/.exec(inner[0] ?? "")?.[1] : undefined;
    return `<li>${only ?? inner.join("\n")}</li>`;
  });
  return { html: `<${tag}>\n${html.join("\n")}\n</${tag}>`, next };
}

const INLINE =
  /(?<anchor><a id="(?<id>[^"]+)"><\/a>)|`(?<code>[^`]+)`|\*\*(?<bold>[^*]+)\*\*|\[(?<text>(?:`[^`]*`|[^\]])+)\]\((?<href>[^)\s]+)\)|(?<address>https:\/\/[^\s)`>]*[^\s)`>.,;:])/g;

function inline(text: string, options: RenderOptions): string {
  let html = "";
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    html += escapeHtml(text.slice(from, found.index));
    from = found.index + found[0].length;
    const { id, code, bold, text: label, href, address } = found.groups ?? {};
    if (id !== undefined) html += `<a id="${escapeHtml(id)}"></a>`;
    else if (code !== undefined) html += inlineCode(code, options);
    else if (bold !== undefined) html += `<b>${inline(bold, options)}</b>`;
    else if (href !== undefined) html += linkTo(href, inline(label ?? "", { ...options, linkCode: none }), options);
    else html += linkTo(address ?? "", escapeHtml(address ?? ""), options);
  }
  return html + escapeHtml(text.slice(from));
}

const none = (): undefined => undefined;

function inlineCode(code: string, options: RenderOptions): string {
  const target = options.linkCode(code);
  const html = `<code>${escapeHtml(code)}</code>`;
  return target === undefined ? html : `<a class=name href="${escapeHtml(target)}">${html}</a>`;
}

function linkTo(href: string, html: string, { link }: RenderOptions): string {
  return `<a href="${escapeHtml(link(href))}">${html}</a>`;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** As Git hosts make anchors out of headings. */
export function slugOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
