/** A line that Envoy prints, as far as a plugin's author wants to see it. */
export type EnvoyLine =
  | { readonly kind: "log"; readonly level: string; readonly message: string }
  | { readonly kind: "envoy"; readonly level: string; readonly message: string }
  | {
      readonly kind: "access";
      readonly method: string;
      readonly path: string;
      /** 0: the client got no answer. */
      readonly status: number;
      readonly durationMs: number;
      /** Of the response. */
      readonly bytes: number;
      /** Who answered: `via_upstream`, or why it was somebody else. */
      readonly details: string;
      /** Envoy's response flags, `-` without any. */
      readonly flags: string;
    };

/** `[date][thread][level][component] [file:line] text`: Envoy's default. */
const PREFIX = /^\[\d{4}-\d\d-\d\d [^\]]+\]\[\d+\]\[(\w+)\]\[([\w-]+)\] (?:\[[^\]]*\] )?(.*)$/;
const WASM_LOG = /^wasm log[^:]*: ?(.*)$/;
const WARNINGS: readonly string[] = ["warning", "error", "critical"];
const ABOUT_PLUGIN = /wasm|plugin|extension_config|config_discovery/i;
/** Lines that follow one, for example of a backtrace. */
const MAX_CONTINUATION = 30;

/**
 * Reads what Envoy prints, line by line: what the plugin logs, the access log, and warnings and errors of Envoy that
 * concern the plugin. A line without Envoy's prefix goes on with the one before.
 */
export function createEnvoyLineReader(): (line: string) => EnvoyLine | undefined {
  let last: { kind: "log" | "envoy"; level: string } | undefined;
  let following = 0;
  return (line) => {
    const access = readAccess(line);
    if (access !== undefined) return access;
    const [, level, component, text = ""] = PREFIX.exec(line) ?? [];
    if (level === undefined || component === undefined) {
      if (last === undefined || line.trim() === "" || following++ >= MAX_CONTINUATION) return undefined;
      return { ...last, message: line };
    }
    following = 0;
    const logged = component === "wasm" ? WASM_LOG.exec(text)?.[1] : undefined;
    last =
      logged !== undefined
        ? { kind: "log", level }
        : concernsPlugin(level, component, text)
          ? { kind: "envoy", level }
          : undefined;
    return last === undefined ? undefined : { ...last, message: logged ?? text };
  };
}

function concernsPlugin(level: string, component: string, text: string): boolean {
  if (!WARNINGS.includes(level)) return false;
  return level !== "warning" || component === "wasm" || ABOUT_PLUGIN.test(text);
}

function readAccess(line: string): EnvoyLine | undefined {
  if (!line.startsWith("{") || !line.includes('"weft_access"')) return undefined;
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    // A line of the plugin's that looks like one of ours.
    return undefined;
  }
  const text = (name: string): string => (typeof fields[name] === "string" ? fields[name] : "");
  const number = (name: string): number => Number(fields[name] ?? 0);
  return {
    kind: "access",
    method: text("method"),
    path: text("path"),
    status: number("status"),
    durationMs: number("duration_ms"),
    bytes: number("bytes"),
    details: text("details"),
    flags: text("flags") || "-",
  };
}
