import type { Declaration, Member, PublicModule } from "./declaration.js";
import { replaceLinks } from "./doc-comment.js";

/** The anchor of a name, the same in Markdown and in the page: `sdk.Headers`, `host.Host.request`. */
export function anchorOf(module: string, name: string, member?: string): string {
  const short = module.slice(module.lastIndexOf("/") + 1);
  return [short, name, ...(member === undefined ? [] : [member])].join(".");
}

/** The reference of one module as Markdown. Links to sources are relative to a folder in the SDK's own. */
export function referenceMarkdown(module: PublicModule): string {
  const { name, title, declarations } = module;
  const rows = declarations.map((one) => {
    const link = `[\`${one.name}\`](#${anchorOf(name, one.name)})`;
    return `| ${link} | ${one.kind} | ${firstSentence(linked(module, one.doc.text)).replaceAll("|", "\\|")} |`;
  });
  const table = ["| name | kind | what it is |", "| --- | --- | --- |", ...rows].join("\n");
  const parts = declarations.map((one) => declarationMarkdown(module, one));
  return `${[`## ${name}`, `${title}.`, table, ...parts].join("\n\n")}\n`;
}

function declarationMarkdown(module: PublicModule, one: Declaration): string {
  const { name, kind, signature, doc, members } = one;
  const own = members.filter((member) => member.kind !== "value");
  const values = members.filter((member) => member.kind === "value");
  return [
    `<a id="${anchorOf(module.name, name)}"></a>`,
    `### ${name}`,
    `\`\`\`ts signature\n${signature}\n\`\`\``,
    ...(doc.text === "" ? [] : [linked(module, doc.text)]),
    ...(values.length === 0 ? [] : [valueTable(module, values)]),
    ...own.map((member) => memberMarkdown(module, one, member)),
    sourceLink(module, one, kind),
  ].join("\n\n");
}

function memberMarkdown(module: PublicModule, { name }: Declaration, member: Member): string {
  const signature = member.kind === "constructor" ? `new ${name}${member.signature.slice(11)}` : member.signature;
  const body = linked(module, member.doc.text)
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");
  const anchor = `<a id="${anchorOf(module.name, name, member.name)}"></a>`;
  const heads = signature.split("\n").map((line) => `\`${line}\``);
  return `- ${anchor}${heads.join(" · ")}${body === "" ? "" : `\n\n${body}`}`;
}

function valueTable(module: PublicModule, values: readonly Member[]): string {
  const rows = values.map(
    ({ signature, doc }) => `| \`${signature}\` | ${linked(module, doc.text).replace(/\s+/g, " ")} |`,
  );
  return ["| value | meaning |", "| --- | --- |", ...rows].join("\n");
}

/* The sources of the TypeScript parts are not in the package, their declarations are. */
function sourceLink({ name }: PublicModule, { place }: Declaration, kind: string): string {
  const isShipped = name === "@weft/sdk";
  const path = isShipped ? place.file : `dist/${place.file.replace(/\.ts$/, ".d.ts")}`;
  return `Source of this ${kind}: [${path}${isShipped ? `:${place.line}` : ""}](../${path})`;
}

function linked(module: PublicModule, text: string): string {
  return replaceLinks(text, (target) => {
    const [name = "", member] = target.split(".");
    return `[\`${target}\`](#${anchorOf(module.name, name, member)})`;
  });
}

/** Up to the first full stop that ends a sentence; without lists, tables and examples. */
export function firstSentence(text: string): string {
  const paragraph = (text.split(/\n\s*\n|\n```/)[0] ?? "").replace(/\s+/g, " ").trim();
  return /^(?:`[^`]*`|[^`])*?[.:](?=\s|$)/.exec(paragraph)?.[0].replace(/:$/, ".") ?? paragraph;
}
