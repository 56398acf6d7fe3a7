import type { DocComment } from "./declaration.js";

export const NO_COMMENT: DocComment = { text: "", isInternal: false };

/** The text of a comment, without its frame of asterisks. A block tag other than `@internal` stays in the text. */
export function parseDocComment(source: string): DocComment {
  const inner = /\/\*\*([\s\S]*?)\*\//.exec(source)?.[1];
  if (inner === undefined) return NO_COMMENT;
  const lines = inner.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trimEnd());
  const text = lines.filter((line) => line.trim() !== "@internal").join("\n");
  return { text: text.trim(), isInternal: lines.some((line) => line.trim() === "@internal") };
}

const FENCE = /^```ts\n([\s\S]*?)^```$/gm;

/** The examples in a comment: its fenced blocks. */
export function examplesOf({ text }: DocComment): string[] {
  return [...text.matchAll(FENCE)].map((found) => found[1] ?? "");
}

const LINK = /\{@link\s+([^}\s]+)\s*\}/g;

/** The names that a comment links to: `{@link Headers.get}`. */
export function linksOf({ text }: DocComment): string[] {
  return [...text.matchAll(LINK)].map((found) => found[1] ?? "");
}

/** Puts something in the place of every link to a name. */
export function replaceLinks(text: string, replace: (name: string) => string): string {
  return text.replace(LINK, (_, name: string) => replace(name));
}

/** The addresses in a comment. */
export function addressesOf({ text }: DocComment): string[] {
  return [...text.matchAll(/https?:\/\/[^\s)`>]+/g)].map(([address]) => address.replace(/[.,;:]+$/, ""));
}
