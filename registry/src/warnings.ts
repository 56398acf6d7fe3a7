import { cleanText } from "./response-error.js";

/** What a registry wants people to know, for example that an image is deprecated. */
export interface RegistryWarning {
  readonly registry: string;
  /** One line of at most 300 characters. */
  readonly text: string;
}

/** A registry that always says something else must not fill the memory, nor the screen. */
const MAX_WARNINGS = 100;
const WARNING = /(\d{3}) \S+ "((?:[^"\\]|\\.)*)"/g;

/**
 * Reads `Warning` headers and tells each text once. Nothing else may depend on them.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#warnings
 */
export function createWarnings(
  onWarning: (warning: RegistryWarning) => void,
): (registry: string, header: string | null) => void {
  const told = new Set<string>();
  return (registry, header) => {
    for (const [, code, quoted = ""] of (header ?? "").matchAll(WARNING)) {
      const text = cleanText(quoted.replace(/\\(.)/g, "$1"));
      const key = `${registry} ${text}`;
      if (code !== "299" || text === "" || told.has(key) || told.size >= MAX_WARNINGS) continue;
      told.add(key);
      onWarning({ registry, text });
    }
  };
}
