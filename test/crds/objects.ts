import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

/** An API object of a file of the repository. */
export interface FoundObject {
  readonly file: string;
  readonly object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string };
    readonly spec?: unknown;
  };
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const GOLDEN = "control-plane/src/translate/testdata";

/** The objects of the golden inputs, but those that are there to be refused. */
export function goldenObjects(): FoundObject[] {
  const files = readdirSync(join(ROOT, GOLDEN)).filter((name) => name.endsWith(".in.yaml"));
  return objectsOf(files.filter((name) => name !== "diagnostics.in.yaml").map((name) => join(GOLDEN, name)));
}

/** The objects of the examples. */
export function exampleObjects(): FoundObject[] {
  const files = readdirSync(join(ROOT, "examples"), { recursive: true, encoding: "utf8" });
  const yaml = files.filter((name) => name.endsWith(".yaml") && !name.startsWith("invalid/")).sort();
  return objectsOf(yaml.map((name) => join("examples", name)));
}

function objectsOf(files: readonly string[]): FoundObject[] {
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(ROOT, file), "utf8"))
      .map((document) => document.toJS() as FoundObject["object"] | null)
      .filter((object): object is FoundObject["object"] => typeof object?.apiVersion === "string")
      .map((object) => ({ file, object })),
  );
}
