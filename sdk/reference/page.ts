import type { PublicModule } from "./declaration.js";
import { PAGE_SCRIPT } from "./page-script.js";
import { PAGE_STYLE } from "./page-style.js";
import { anchorOf, firstSentence, referenceMarkdown } from "./reference-markdown.js";
import { escapeHtml, type RenderOptions, renderMarkdown, slugOf } from "./render-markdown.js";

/** A page of the guide. */
export interface GuidePage {
  /** File name, `headers.md`. */
  readonly file: string;
  readonly text: string;
}

/** What the search finds. */
interface Entry {
  readonly title: string;
  readonly href: string;
  readonly about: string;
}

/** The guide and the reference as one file that needs no other: search, light and dark. */
export function referencePage(version: string, guide: readonly GuidePage[], modules: readonly PublicModule[]): string {
  const names = knownNames(modules);
  const options = (prefix: string): RenderOptions => ({
    link: (href) => pageLink(href),
    linkCode: (code) => names.get(code.replace(/^this\.|\(.*\)$/g, "")),
    headingId: (text) => `${prefix}.${slugOf(text)}`,
  });
  const articles = [
    ...guide.map(({ file, text }) => ({
      id: articleId(file),
      html: renderMarkdown(text, options(articleId(file))),
    })),
    ...modules.map((module) => ({
      id: moduleId(module),
      html: renderMarkdown(referenceMarkdown(module), options(`${moduleId(module)}.heading`)),
    })),
  ];
  const entries = [...guideEntries(guide), ...modules.flatMap(moduleEntries)];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>@weft/sdk ${escapeHtml(version)}</title>
<style>${PAGE_STYLE}</style>
<nav>
<header><b>@weft/sdk</b> <small>${escapeHtml(version)}</small><button id=theme title="light or dark">◐</button></header>
<input id=search type=search placeholder="Search   /" autocomplete=off aria-label="Search">
<div id=found hidden></div>
<div id=contents>
<h2>Guide</h2>
${guide.map(({ file, text }) => item(articleId(file), titleOf(text))).join("\n")}
${modules.map(moduleContents).join("\n")}
</div>
</nav>
<main>
${articles.map(({ id, html }) => `<article id="${id}">\n${html}\n</article>`).join("\n")}
</main>
<script type="application/json" id=entries>${JSON.stringify(entries).replaceAll("<", "\\u003c")}</script>
<script>${PAGE_SCRIPT}</script>
</html>
`;
}

/** The first heading. */
export function titleOf(text: string): string {
  return /^# (.*)$/m.exec(text)?.[1] ?? "";
}

function articleId(file: string): string {
  return `guide.${file.replace(/\.md$/, "")}`;
}

function moduleId({ name }: PublicModule): string {
  return `module.${name.slice(name.lastIndexOf("/") + 1)}`;
}

function pageLink(href: string): string {
  if (/^https?:|^#/.test(href)) return href;
  const [path = "", hash] = href.split("#");
  if (!path.endsWith(".md") || path.includes("/")) return href;
  return `#${articleId(path)}${hash === undefined ? "" : `.${hash}`}`;
}

function item(target: string, text: string): string {
  return `<a href="#${escapeHtml(target)}">${escapeHtml(text)}</a>`;
}

function moduleContents(module: PublicModule): string {
  const links = module.declarations.map((one) => item(anchorOf(module.name, one.name), one.name));
  const isOpen = module.name === "@weft/sdk" ? " open" : "";
  return `<details${isOpen}><summary><a href="#${moduleId(module)}">${module.name}</a></summary>\n${links.join("\n")}\n</details>`;
}

function guideEntries(guide: readonly GuidePage[]): Entry[] {
  return guide.flatMap(({ file, text }) => {
    const outsideCode = text.replace(/^```[\s\S]*?^```$/gm, "");
    const title = titleOf(text);
    const below = [...outsideCode.matchAll(/^##+ (.*)$/gm)].map(([, heading = ""]) => ({
      title: heading,
      href: `#${articleId(file)}.${slugOf(heading)}`,
      about: title,
    }));
    return [{ title, href: `#${articleId(file)}`, about: "guide" }, ...below];
  });
}

function moduleEntries({ name, declarations }: PublicModule): Entry[] {
  return declarations.flatMap((one) => [
    { title: one.name, href: `#${anchorOf(name, one.name)}`, about: `${name} · ${firstSentence(one.doc.text)}` },
    ...one.members
      .filter(({ kind }) => kind !== "constructor")
      .map((member) => ({
        title: `${one.name}.${member.name}`,
        href: `#${anchorOf(name, one.name, member.kind === "value" ? undefined : member.name)}`,
        about: firstSentence(member.doc.text),
      })),
  ]);
}

/** Where inline code leads to: `Headers`, `Headers.get`, and a callback such as `onRequestHeaders`. */
function knownNames(modules: readonly PublicModule[]): Map<string, string> {
  const known = new Map<string, string>();
  for (const { name, declarations } of modules) {
    for (const one of declarations) {
      if (!known.has(one.name)) known.set(one.name, `#${anchorOf(name, one.name)}`);
      for (const member of one.members) {
        const href = `#${anchorOf(name, one.name, member.kind === "value" ? undefined : member.name)}`;
        for (const key of [`${one.name}.${member.name}`, `${one.name.toLowerCase()}.${member.name}`]) {
          if (!known.has(key)) known.set(key, href);
        }
        if (/^on[A-Z]/.test(member.name) && !known.has(member.name)) known.set(member.name, href);
      }
    }
  }
  return known;
}
