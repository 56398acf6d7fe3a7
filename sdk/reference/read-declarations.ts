import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ClassDeclaration,
  type ClassElement,
  type ConstructorDeclaration,
  type EnumDeclaration,
  type FunctionDeclaration,
  type InterfaceDeclaration,
  type Node,
  type SourceFile,
  type Statement,
  SyntaxKind,
  type TypeAliasDeclaration,
  type TypeElement,
  type VariableStatement,
} from "typescript/unstable/ast";
import {
  isCallExpression,
  isClassDeclaration,
  isConstructorDeclaration,
  isEnumDeclaration,
  isExportDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isImportDeclaration,
  isInterfaceDeclaration,
  isNamedExports,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isStringLiteral,
  isTypeAliasDeclaration,
  isTypeReferenceNode,
  isVariableStatement,
} from "typescript/unstable/ast/is";
import { API } from "typescript/unstable/sync";
import type { Declaration, DeclarationKind, DocComment, Member, PublicModule, SourcePlace } from "./declaration.js";
import { docOf, headOf, memberSignature, startOf, textOf, tidy } from "./source-text.js";

type Named = ClassDeclaration | EnumDeclaration | FunctionDeclaration | InterfaceDeclaration | TypeAliasDeclaration;
type Found = { readonly file: SourceFile; readonly node: Named | VariableStatement };

/** The entry files, by what they are imported as. */
const MODULES = [
  { name: "@weft/sdk", title: "What a plugin is written with (AssemblyScript)", entry: "assembly/index.ts" },
  { name: "@weft/sdk/host", title: "A Proxy-Wasm host for tests (TypeScript, Node)", entry: "host/index.ts" },
  { name: "@weft/sdk/build", title: "The compiler (TypeScript, Node)", entry: "build/index.ts" },
] as const;

/** The folder of the SDK: up from this file, compiled or not. */
export function sdkFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return resolve(here, dirname(here).endsWith(`${sep}dist`) ? "../.." : "..");
}

/** Reads the sources and gives everything that they export. */
export function readPublicModules(sdk: string = sdkFolder()): PublicModule[] {
  const config = join(sdk, "reference", "tsconfig.sources.json");
  const api = new API({ cwd: sdk });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    const source = (path: string): SourceFile => {
      const found = project?.program.getSourceFile(path);
      if (found === undefined) throw new Error(`${path} is not among the sources of the reference`);
      return found;
    };
    const reader = createReader(sdk, source);
    return MODULES.map(({ name, title, entry }) => ({ name, title, declarations: reader.read(join(sdk, entry)) }));
  } finally {
    api.close();
  }
}

function createReader(sdk: string, source: (path: string) => SourceFile) {
  /** What a file exports by this name, wherever that is written. */
  const find = (path: string, name: string): Found | undefined => {
    const file = source(path);
    for (const node of file.statements) {
      if (nameOf(node) === name) return { file, node: node as Found["node"] };
      const from = importedFrom(node, name);
      if (from !== undefined) return find(modulePath(path, from), name);
    }
    return undefined;
  };

  const place = (file: SourceFile, node: Node): SourcePlace => ({
    file: relative(sdk, file.fileName).split(sep).join("/"),
    line: file.text.slice(0, startOf(file, node)).split("\n").length,
  });

  const declaration = (name: string, { file, node }: Found): Declaration => ({
    name,
    kind: kindOf(node),
    signature: declarationSignature(file, node, name),
    doc: declarationDoc(file, node),
    place: place(file, node),
    members: membersOf(file, node),
  });

  /** A variable without a comment has its class's. */
  const declarationDoc = (file: SourceFile, node: Found["node"]): DocComment => {
    const own = docOf(file, node);
    if (own.text !== "" || !isVariableStatement(node)) return own;
    const type = variableType(file, node);
    const found = type === undefined ? undefined : find(file.fileName, type);
    return found === undefined ? own : docOf(found.file, found.node);
  };

  const membersOf = (file: SourceFile, node: Found["node"]): Member[] => {
    if (isEnumDeclaration(node)) return node.members.map((value) => member(file, value, "value", textOf(file, value)));
    if (isVariableStatement(node)) {
      const type = variableType(file, node);
      const found = type === undefined ? undefined : find(file.fileName, type);
      return found === undefined ? [] : membersOf(found.file, found.node);
    }
    if (!isClassDeclaration(node) && !isInterfaceDeclaration(node)) return [];
    const own = [...node.members].flatMap((element) => elements(file, element));
    const known = new Set(own.map(({ name }) => name));
    return [...own, ...inherited(file, node).filter(({ name, kind }) => kind !== "constructor" && !known.has(name))];
  };

  /** Of bases that cannot be imported; one that can is told in the signature. */
  const inherited = (file: SourceFile, node: ClassDeclaration | InterfaceDeclaration): Member[] =>
    baseNames(file, node).flatMap((name) => {
      if (exported.has(name)) return [];
      const base = find(file.fileName, name);
      return base === undefined ? [] : membersOf(base.file, base.node);
    });

  const member = (file: SourceFile, node: Node, kind: Member["kind"], signature: string, doc?: DocComment): Member => ({
    name: kind === "constructor" ? "constructor" : (memberName(file, node) ?? ""),
    kind,
    signature,
    doc: doc ?? docOf(file, node),
    place: place(file, node),
  });

  const elements = (file: SourceFile, node: ClassElement | TypeElement): Member[] => {
    if (isConstructorDeclaration(node)) return constructorMembers(file, node);
    const name = memberName(file, node);
    if (name === undefined || isHidden(node)) return [];
    const isProperty =
      isPropertyDeclaration(node) ||
      isPropertySignatureDeclaration(node) ||
      node.kind === SyntaxKind.GetAccessor ||
      node.kind === SyntaxKind.SetAccessor;
    return [member(file, node, isProperty ? "property" : "method", memberSignature(file, node))];
  };

  const constructorMembers = (file: SourceFile, node: ConstructorDeclaration): Member[] => {
    const properties = node.parameters
      .filter((parameter) => (parameter.modifiers?.length ?? 0) > 0 && !isHidden(parameter))
      .map((parameter) => {
        const own = docOf(file, parameter);
        // The comment of a constructor with one parameter is about that.
        const doc = own.text === "" && node.parameters.length === 1 ? docOf(file, node) : own;
        return member(file, parameter, "property", textOf(file, parameter).replace(/ = .*$/, ""), doc);
      });
    if (isHidden(node)) return properties;
    return [member(file, node, "constructor", memberSignature(file, node)), ...properties];
  };

  let exported = new Set<string>();
  return {
    read(entry: string): Declaration[] {
      const names = exportedNames(source(entry));
      exported = new Set(names);
      return names
        .map((name) => {
          const found = find(entry, name);
          if (found === undefined) throw new Error(`${entry} exports ${name}, which is not found`);
          return declaration(name, found);
        })
        .map((one) => ({ ...one, members: mergeAccessors(one.members.filter(({ doc }) => !doc.isInternal)) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  };
}

function exportedNames(file: SourceFile): string[] {
  return file.statements.flatMap((node) => {
    if (!isExportDeclaration(node) || node.exportClause === undefined || !isNamedExports(node.exportClause)) return [];
    return node.exportClause.elements.map((element) => element.name.text);
  });
}

/** The module that a statement imports or exports this name from. */
function importedFrom(node: Statement, name: string): string | undefined {
  if (isExportDeclaration(node) && node.moduleSpecifier !== undefined && isStringLiteral(node.moduleSpecifier)) {
    const clause = node.exportClause;
    const has = clause !== undefined && isNamedExports(clause) && clause.elements.some((one) => one.name.text === name);
    return has ? node.moduleSpecifier.text : undefined;
  }
  if (!isImportDeclaration(node) || !isStringLiteral(node.moduleSpecifier)) return undefined;
  const bindings = node.importClause?.namedBindings;
  if (bindings === undefined || !("elements" in bindings)) return undefined;
  return bindings.elements.some((one) => one.name.text === name) ? node.moduleSpecifier.text : undefined;
}

function modulePath(from: string, specifier: string): string {
  return join(dirname(from), `${specifier.replace(/\.(js|ts)$/, "")}.ts`);
}

function nameOf(node: Statement): string | undefined {
  if (isVariableStatement(node)) {
    const name = node.declarationList.declarations[0]?.name;
    return name !== undefined && isIdentifier(name) ? name.text : undefined;
  }
  const isNamed =
    isClassDeclaration(node) ||
    isEnumDeclaration(node) ||
    isFunctionDeclaration(node) ||
    isInterfaceDeclaration(node) ||
    isTypeAliasDeclaration(node);
  return isNamed ? node.name?.text : undefined;
}

function kindOf(node: Found["node"]): DeclarationKind {
  if (isClassDeclaration(node)) return "class";
  if (isEnumDeclaration(node)) return "enum";
  if (isFunctionDeclaration(node)) return "function";
  if (isInterfaceDeclaration(node)) return "interface";
  return isTypeAliasDeclaration(node) ? "type" : "variable";
}

/** In AssemblyScript: the class that a variable's initialiser makes of nothing, `changetype<Log>(0)`. */
function variableType(file: SourceFile, node: VariableStatement): string | undefined {
  const initializer = node.declarationList.declarations[0]?.initializer;
  if (initializer === undefined || !isCallExpression(initializer)) return undefined;
  const type = initializer.typeArguments?.[0];
  return type !== undefined && isTypeReferenceNode(type) ? textOf(file, type.typeName) : undefined;
}

function baseNames(file: SourceFile, node: ClassDeclaration | InterfaceDeclaration): string[] {
  return (node.heritageClauses ?? [])
    .filter(({ token }) => token === SyntaxKind.ExtendsKeyword)
    .flatMap(({ types }) => types.map((type) => textOf(file, type).replace(/<.*$/s, "")));
}

function isHidden(node: Node): boolean {
  const { modifiers, name } = node as { modifiers?: readonly Node[]; name?: Node };
  if (name?.kind === SyntaxKind.PrivateIdentifier) return true;
  return (modifiers ?? []).some(
    ({ kind }) => kind === SyntaxKind.PrivateKeyword || kind === SyntaxKind.ProtectedKeyword,
  );
}

function memberName(file: SourceFile, node: Node): string | undefined {
  const { name } = node as { name?: Node };
  return name === undefined ? undefined : textOf(file, name);
}

/** A getter and a setter are one property. */
function mergeAccessors(members: readonly Member[]): Member[] {
  const merged = new Map<string, Member>();
  for (const one of members) {
    const other = merged.get(one.name);
    if (other === undefined) merged.set(one.name, one);
    else {
      const doc = [other.doc.text, one.doc.text].filter((text) => text !== "").join(" ");
      merged.set(one.name, {
        ...other,
        signature: `${other.signature}\n${one.signature}`,
        doc: { text: doc, isInternal: false },
      });
    }
  }
  return [...merged.values()];
}

function declarationSignature(file: SourceFile, node: Found["node"], name: string): string {
  if (isVariableStatement(node)) {
    const type = variableType(file, node);
    return type === undefined ? tidy(textOf(file, node)).replace(/^export /, "") : `const ${name}: ${type}`;
  }
  if (isFunctionDeclaration(node)) return headOf(file, node).replace(/^export (async )?/, "");
  if (isTypeAliasDeclaration(node)) {
    return textOf(file, node)
      .replace(/^export /, "")
      .replace(/;$/, "");
  }
  const code = tidy(textOf(file, node));
  return code
    .slice(0, code.indexOf("{"))
    .replace(/^(export )?(@\w+ )*(export )?/, "")
    .trim();
}
