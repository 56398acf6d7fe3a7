import { CALLBACKS, COMPAT_CALLBACKS, COMPAT_NAMES, keepsExport } from "./callbacks.js";
import type { ConfigClass } from "./config-class.js";
import { EMPTY_SCHEMA, type JsonSchema, jsonSchema, OPEN_SCHEMA } from "./json-schema.js";
import { compilePattern, matcherSource } from "./pattern.js";
import { isNamed, type Report, readConfigClass } from "./read-config-class.js";
import { matcherName, readerSource } from "./reader-source.js";
import {
  addMethod,
  type ClassNode,
  classesOf,
  type EnumNode,
  enumsOf,
  exportPath,
  fieldsOf,
  isStandardLibrary,
  markDefinitelyAssigned,
  methodNamesOf,
  type Parser,
  replaceSource,
  type SourceFile,
  type SyntaxNode,
  topLevelCalls,
} from "./syntax-tree.js";

export { ENTRY_FILE, ENTRY_TEXT } from "./callbacks.js";
export type { JsonSchema } from "./json-schema.js";

/* asc's collector of the `minimal` runtime. */
const COLLECTOR = "~lib/rt/tcms.ts";
const COMPAT_SOURCES = "~lib/@weft/sdk/compat/";
const SDK_SOURCES = "~lib/@weft/sdk/";

/** What the transform found wrong in the author's source: offsets into the file's text. */
export interface TransformDiagnostic {
  file: string;
  start: number;
  end: number;
  message: string;
}

/** A plugin that the module registers. */
export interface RegisteredPlugin {
  rootId: string;
  schema: JsonSchema;
}

export interface TransformResult {
  plugins: RegisteredPlugin[];
  diagnostics: TransformDiagnostic[];
}

export interface TransformOptions {
  /** The garbage collector: the text of assembly/abi/collector.ts. */
  collector: string;
}

/** A transform of asc (its `transforms` option) and, after the compilation, what it learnt. */
export interface WeftTransform {
  afterParse(parser: unknown): void;
  readonly result: TransformResult;
}

/**
 * Gives each `@config` class its JSON reader, makes its schema, and keeps in the generated entry only the callbacks
 * that the author's classes override. Use one for each compilation.
 */
export function createTransform({ collector }: TransformOptions): WeftTransform {
  const result: TransformResult = { plugins: [], diagnostics: [] };
  const report: Report = (node, message) => {
    const { source, start, end } = node.range;
    result.diagnostics.push({ file: source.normalizedPath, start, end, message });
  };
  return {
    result,
    afterParse(parser) {
      const sources = (parser as Parser).sources;
      // The runtime's functions are known everywhere without import; TypeScript has no syntax for that.
      replaceSource(sources, COLLECTOR, collector.replaceAll(/^export function __/gm, "@global @unsafe $&"));
      const authored = sources.filter(
        (source) => !source.normalizedPath.startsWith(SDK_SOURCES) && !isStandardLibrary(source),
      );
      const classes = authored.flatMap(classesOf);
      const configs = addReaders(classes, authored.flatMap(enumsOf), report);
      const isCompat = sources.some((source) => source.normalizedPath.startsWith(COMPAT_SOURCES));
      trimEntry(sources, overridden(classes, isCompat));
      result.plugins = registeredPlugins(authored, classes, configs, report);
      if (result.diagnostics.length > 0) throw new Error("the transform found mistakes");
    },
  };
}

/* The callbacks that the author's classes have. */
function overridden(classes: ClassNode[], isCompat: boolean): ReadonlySet<string> {
  const names = classes.flatMap(methodNamesOf);
  const all = isCompat ? [...names.map((name) => COMPAT_NAMES.get(name) ?? name), ...COMPAT_CALLBACKS] : names;
  return new Set(all.filter((name) => CALLBACKS.has(name)));
}

function isConfig(node: ClassNode): boolean {
  return node.decorators?.some((decorator) => isNamed(decorator, "config")) ?? false;
}

function addReaders(classes: ClassNode[], enums: EnumNode[], report: Report): Map<string, ConfigClass> {
  const marked = classes.filter(isConfig);
  const names = new Set(marked.map((node) => node.name.text));
  const members = new Map(enums.map((node) => [node.name.text, node.values.map((value) => value.name.text)]));
  const known = {
    isConfigClass: (name: string) => names.has(name),
    enumMembers: (name: string) => members.get(name),
  };
  const configs = new Map<string, ConfigClass>();
  for (const node of marked) {
    if (configs.has(node.name.text)) report(node.name, `there is another @config class named ${node.name.text}`);
    const config = readConfigClass(node, known, report);
    configs.set(config.name, config);
    addMethod(node, readerSource(config));
    for (const { name, pattern } of config.fields) {
      const automaton = pattern === undefined ? undefined : compilePattern(pattern);
      if (typeof automaton === "object") addMethod(node, matcherSource(matcherName(name), automaton));
    }
    for (const field of fieldsOf(node)) {
      if (field.initializer === null) markDefinitelyAssigned(field);
      field.decorators = null;
    }
    const others = node.decorators?.filter((decorator) => !isNamed(decorator, "config")) ?? [];
    node.decorators = others.length === 0 ? null : others;
  }
  for (const node of marked) {
    if (contains(node.name.text, node.name.text, configs, new Set())) {
      report(node.name, `@config class ${node.name.text} contains itself`);
    }
  }
  return configs;
}

/* Whether a schema of this class would have no end. */
function containsCycle(name: string, configs: Map<string, ConfigClass>): boolean {
  return Array.from(configs.keys()).some(
    (other) =>
      contains(other, other, configs, new Set()) && (other === name || contains(name, other, configs, new Set())),
  );
}

function contains(name: string, wanted: string, configs: Map<string, ConfigClass>, seen: Set<string>): boolean {
  if (seen.has(name)) return false;
  seen.add(name);
  return (configs.get(name)?.fields ?? []).some((field) => {
    let type = field.type;
    while (type.kind === "array" || type.kind === "map") type = type.kind === "array" ? type.item : type.value;
    return type.kind === "object" && (type.className === wanted || contains(type.className, wanted, configs, seen));
  });
}

function trimEntry(sources: SourceFile[], methods: ReadonlySet<string>): void {
  for (const source of sources) {
    if (source.normalizedPath.startsWith("~lib/")) continue;
    source.statements = source.statements.filter((statement: SyntaxNode) => {
      const path = exportPath(statement);
      return path === undefined || keepsExport(path, methods);
    });
  }
}

/* register<Stream, Config>("id") and registerRoot<Stream, Root>("id"), where Root extends RootContext<Config>. */
function registeredPlugins(
  sources: SourceFile[],
  classes: ClassNode[],
  configs: Map<string, ConfigClass>,
  report: Report,
): RegisteredPlugin[] {
  const resolve = (name: string): ConfigClass => {
    const config = configs.get(name);
    if (config === undefined) throw new Error(`configuration class ${name} is not known`);
    return config;
  };
  const plugins: RegisteredPlugin[] = [];
  for (const call of sources.flatMap(topLevelCalls)) {
    const callee = call.expression.text;
    if (callee === "registerRootContext") {
      const name = call.args[1]?.value;
      if (typeof name === "string") plugins.push({ rootId: name, schema: OPEN_SCHEMA });
      else report(call, 'write registerRootContext((id: u32) => …, "root id")');
      continue;
    }
    if (callee !== "register" && callee !== "registerRoot") continue;
    const rootId = call.args[0]?.value;
    const second = call.typeArguments?.[1];
    const argument = second?.name?.identifier.text;
    if (typeof rootId !== "string" || second === undefined || argument === undefined) {
      report(call, `write ${callee}<Stream, ${callee === "register" ? "Config" : "Root"}>("root id")`);
      continue;
    }
    if (plugins.some((plugin) => plugin.rootId === rootId)) report(call, `root id "${rootId}" is registered twice`);
    const name =
      callee === "register"
        ? argument
        : classes.find((node) => node.name.text === argument)?.extendsType?.typeArguments?.[0]?.name?.identifier.text;
    if (name === "NoConfig") plugins.push({ rootId, schema: EMPTY_SCHEMA });
    else if (name === undefined) report(second, `class ${argument} must extend RootContext<Config>`);
    else if (!configs.has(name)) report(second, `class ${name} must be marked @config`);
    else if (!containsCycle(name, configs)) plugins.push({ rootId, schema: jsonSchema(resolve(name), resolve) });
  }
  return plugins;
}
