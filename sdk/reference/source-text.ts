import { type Node, type SourceFile, SyntaxKind } from "typescript/unstable/ast";
import type { DocComment } from "./declaration.js";
import { NO_COMMENT, parseDocComment } from "./doc-comment.js";

/** The comment before a node. */
export function docOf(file: SourceFile, node: Node): DocComment {
  const last = node.jsDoc?.at(-1);
  return last === undefined ? NO_COMMENT : parseDocComment(file.text.slice(last.pos, last.end));
}

/** Where a node begins, without the comments and white space before it. */
export function startOf(file: SourceFile, node: Node): number {
  const before = /^(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*/.exec(file.text.slice(node.pos, node.end));
  return node.pos + (before?.[0].length ?? 0);
}

/** A node as it is written. */
export function textOf(file: SourceFile, node: Node): string {
  return file.text.slice(startOf(file, node), node.end);
}

/** From the first word of a node to where its body begins. */
export function headOf(file: SourceFile, node: Node): string {
  const { body } = node as { body?: Node };
  return tidy(file.text.slice(startOf(file, node), body === undefined ? node.end : body.pos));
}

/** Code in one line, without comments and decorators. */
export function tidy(code: string): string {
  const bare = code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^@\w+(\([^)]*\))?\s+/, "");
  return bare
    .replace(/\s+/g, " ")
    .replace(/([([]) /g, "$1")
    .replace(/,? ([)\]])/g, "$1")
    .replace(/;$/, "")
    .trim();
}

/** A member without its body. */
export function memberSignature(file: SourceFile, node: Node): string {
  const { modifiers } = node as { modifiers?: readonly Node[] };
  const isAsync = (modifiers ?? []).some(({ kind }) => kind === SyntaxKind.AsyncKeyword);
  const code = headOf(file, node).replace(/^(override )?/, "");
  return isAsync ? code.replace(/^async /, "") : code;
}
