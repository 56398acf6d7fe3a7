/*
 * The part of asc's syntax tree that the transform reads and changes. asc's own declarations use ambient const enums,
 * which a module compiled on its own cannot read; the values are taken from the running compiler instead.
 */
import * as assemblyscript from "assemblyscript";
import asc from "assemblyscript/asc";

export interface SourceRange {
  start: number;
  end: number;
  source: SourceFile;
  toString(): string;
}

export interface SyntaxNode {
  kind: number;
  range: SourceRange;
}

export interface SourceFile extends SyntaxNode {
  /** Path with extension, relative to the base directory; libraries and packages begin with `~lib/`. */
  normalizedPath: string;
  internalPath: string;
  text: string;
  statements: SyntaxNode[];
}

export interface Decorator extends SyntaxNode {
  name: SyntaxNode & { text?: string };
  args: SyntaxNode[] | null;
}

export interface TypeNode extends SyntaxNode {
  isNullable: boolean;
  name?: { identifier: { text: string } };
  typeArguments?: TypeNode[] | null;
}

export interface Declaration extends SyntaxNode {
  name: SyntaxNode & { text: string };
  decorators: Decorator[] | null;
  flags: number;
}

export interface ClassNode extends Declaration {
  extendsType: TypeNode | null;
  members: Declaration[];
}

export interface EnumNode extends Declaration {
  values: Declaration[];
}

export interface FieldNode extends Declaration {
  type: TypeNode | null;
  initializer: SyntaxNode | null;
}

export interface CallNode extends SyntaxNode {
  expression: SyntaxNode & { text?: string };
  typeArguments: TypeNode[] | null;
  args: (SyntaxNode & { value?: unknown })[];
}

export interface Parser {
  sources: SourceFile[];
  parseFile(text: string, path: string, isEntry: boolean): void;
}

interface Compiler {
  NodeKind: Record<string, number>;
  CommonFlags: Record<string, number>;
  Parser: new () => Parser;
}

const compiler = assemblyscript as unknown as Compiler;

function constant(table: Record<string, number>, name: string): number {
  const value = table[name];
  if (value === undefined) throw new Error(`this version of asc has no syntax node "${name}"`);
  return value;
}

const CLASS = constant(compiler.NodeKind, "ClassDeclaration");
const ENUM = constant(compiler.NodeKind, "EnumDeclaration");
const FIELD = constant(compiler.NodeKind, "FieldDeclaration");
const METHOD = constant(compiler.NodeKind, "MethodDeclaration");
const EXPORT = constant(compiler.NodeKind, "Export");
const EXPRESSION = constant(compiler.NodeKind, "Expression");
const CALL = constant(compiler.NodeKind, "Call");
const STATIC = constant(compiler.CommonFlags, "Static");
const DEFINITELY_ASSIGNED = constant(compiler.CommonFlags, "DefinitelyAssigned");

/** Whether a source is AssemblyScript's own, not the author's or a package's. */
export function isStandardLibrary(source: SourceFile): boolean {
  const path = source.normalizedPath;
  if (!path.startsWith(asc.libraryPrefix)) return false;
  return Object.hasOwn(asc.libraryFiles, path.slice(asc.libraryPrefix.length).replace(/\.ts$/, ""));
}

export function classesOf(source: SourceFile): ClassNode[] {
  return source.statements.filter((statement) => statement.kind === CLASS) as ClassNode[];
}

export function enumsOf(source: SourceFile): EnumNode[] {
  return source.statements.filter((statement) => statement.kind === ENUM) as EnumNode[];
}

export function fieldsOf(node: ClassNode): FieldNode[] {
  return node.members.filter((member) => member.kind === FIELD && (member.flags & STATIC) === 0) as FieldNode[];
}

export function methodNamesOf(node: ClassNode): string[] {
  return node.members.filter((member) => member.kind === METHOD).map((member) => member.name.text);
}

/** The path of an `export * from "path"` or `export {…} from "path"`. */
export function exportPath(statement: SyntaxNode): string | undefined {
  if (statement.kind !== EXPORT) return undefined;
  return (statement as SyntaxNode & { path: { value: string } | null }).path?.value;
}

/** The calls that stand as statements at the top level. */
export function topLevelCalls(source: SourceFile): CallNode[] {
  return source.statements
    .filter((statement) => statement.kind === EXPRESSION)
    .map((statement) => (statement as SyntaxNode & { expression: SyntaxNode }).expression)
    .filter((expression) => expression.kind === CALL) as CallNode[];
}

export function markDefinitelyAssigned(field: FieldNode): void {
  field.flags |= DEFINITELY_ASSIGNED;
}

/** Parses `text`, a method, and puts it into the class. What asc says about it points at the class's name. */
export function addMethod(node: ClassNode, text: string): void {
  const source = node.range.source;
  const parser = new compiler.Parser();
  parser.parseFile(`class Generated { ${text} }`, source.normalizedPath, false);
  const generated = parser.sources[0]?.statements[0] as ClassNode | undefined;
  const method = generated?.members[0];
  if (method === undefined) throw new Error(`the generated reader of ${node.name.text} does not parse`);
  moveRanges(method, node.name.range);
  node.members.push(method);
}

/** Puts another text in the place of a library's file. */
export function replaceSource(sources: SourceFile[], path: string, text: string): void {
  const index = sources.findIndex((source) => source.normalizedPath === path);
  if (index < 0) throw new Error(`this version of asc does not compile ${path}`);
  const parser = new compiler.Parser();
  parser.parseFile(text, path, false);
  const replacement = parser.sources[0];
  if (replacement === undefined) throw new Error(`the replacement of ${path} does not parse`);
  sources[index] = replacement;
}

/* asc insists that all ranges of a file belong to its source. */
function moveRanges(root: unknown, to: SourceRange): void {
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== "object" || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
      return;
    }
    for (const [key, child] of Object.entries(value)) {
      if (key === "range") Object.assign(child as SourceRange, { source: to.source, start: to.start, end: to.end });
      else if (key !== "source") visit(child);
    }
  };
  visit(root);
}
