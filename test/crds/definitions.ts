import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

export const CRDS = fileURLToPath(new URL("../../crds", import.meta.url));

/** The part of OpenAPI's schemas that CustomResourceDefinitions use here. */
export interface Schema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
}

export interface CustomResourceDefinition {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly group: string;
    readonly scope: string;
    readonly names: { readonly kind: string; readonly plural: string };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly subresources: object;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** The kinds that the chart installs, by the names of their files. */
export function customResourceDefinitions(): ReadonlyMap<string, CustomResourceDefinition> {
  const files = readdirSync(CRDS).sort();
  return new Map(files.map((file) => [file, parse(readFileSync(join(CRDS, file), "utf8"))]));
}

/** Every place in a schema, with the way to it. */
export function* places(schema: Schema, path = ""): Generator<readonly [path: string, schema: Schema]> {
  yield [path, schema];
  for (const [name, inner] of Object.entries(schema.properties ?? {})) yield* places(inner, `${path}.${name}`);
  if (schema.items !== undefined) yield* places(schema.items, `${path}[]`);
  if (schema.additionalProperties !== undefined) yield* places(schema.additionalProperties, `${path}{}`);
}
