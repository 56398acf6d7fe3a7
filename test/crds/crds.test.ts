import { describe, expect, it } from "vitest";
import { KINDS, type KindDefinition } from "../../control-plane/src/decode/kinds.js";
import { type DecoderNode, decoderFields } from "./decoder-fields.js";
import { type CustomResourceDefinition, customResourceDefinitions, places, type Schema } from "./definitions.js";
import { exampleObjects, goldenObjects } from "./objects.js";
import { schemaValidator } from "./validator.js";

const DEFINITIONS = customResourceDefinitions();
/** The rest are kinds of the cluster itself, and of the Gateway API, whose definitions are the user's. */
const isOurs = (group: string) => group === "weft.mesh" || group.endsWith(".istio.io");
const OURS = KINDS.filter(({ group }) => isOurs(group));

function definitionOf(kind: string, group: string): CustomResourceDefinition {
  const found = [...DEFINITIONS.values()].find(({ spec }) => spec.names.kind === kind && spec.group === group);
  if (found === undefined) throw new Error(`no definition of ${group}/${kind}`);
  return found;
}

function specOf(definition: CustomResourceDefinition): Schema {
  return definition.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec ?? {};
}

/** Where a schema and a decoder differ, each as a line. */
function differences(schema: Schema, node: DecoderNode, path = "spec"): string[] {
  if (node.kind === "object") {
    const properties = schema.properties ?? {};
    const read = [...node.fields].filter(([, { kind }]) => kind !== "unsupported");
    const missing = read
      .filter(([name]) => !Object.hasOwn(properties, name))
      .map(([name]) => `${path}.${name}: not in the CRD`);
    const unread = Object.keys(properties).filter((name) => !read.some(([field]) => field === name));
    const both = read.flatMap(([name, inner]) =>
      Object.hasOwn(properties, name) ? differences(properties[name]!, inner, `${path}.${name}`) : [],
    );
    return [...missing, ...unread.map((name) => `${path}.${name}: not read`), ...both];
  }
  if (node.kind === "list")
    return schema.items ? differences(schema.items, node.items, `${path}[]`) : [`${path}: is read as a list`];
  if (node.kind === "map")
    return schema.additionalProperties
      ? differences(schema.additionalProperties, node.values, `${path}{}`)
      : [`${path}: is read as a map`];
  if (node.kind === "unsupported") return [`${path}: is refused by the decoder`];
  const type = schema["x-kubernetes-int-or-string"] === true ? "string" : schema.type;
  return node.type === "any" || node.type === type ? [] : [`${path}: is read as ${node.type}`];
}

describe.each(OURS)("$group $kind", (kind: KindDefinition) => {
  const definition = definitionOf(kind.kind, kind.group);

  it("has a schema of exactly the fields that are read", () => {
    expect(differences(specOf(definition), decoderFields(kind))).toEqual([]);
  });

  it("has the versions that are read, the newest stored", () => {
    expect(definition.spec.versions.map(({ name }) => name)).toEqual(kind.versions);
    expect(definition.spec.versions.map(({ storage }) => storage)).toEqual(
      kind.versions.map((_, index) => index === 0),
    );
    for (const { served, subresources } of definition.spec.versions)
      expect({ served, subresources }).toEqual({ served: true, subresources: { status: {} } });
  });
});

describe.each([...DEFINITIONS])("%s", (file, definition) => {
  it("is of a kind that is read, and named as its file", () => {
    const { group, names, scope } = definition.spec;
    expect(OURS.some((kind) => kind.kind === names.kind && kind.group === group)).toBe(true);
    expect(definition.metadata.name).toBe(`${names.plural}.${group}`);
    expect(file).toBe(`${definition.metadata.name}.yaml`);
    expect(scope).toBe("Namespaced");
  });

  it("outlives the release, because the objects of users would go with it", () => {
    expect(definition.metadata.annotations["helm.sh/resource-policy"]).toBe("keep");
  });

  it("drops no field that it does not know: the decoder names it", () => {
    const root = definition.spec.versions[0]!.schema.openAPIV3Schema;
    const closed = [...places(root)]
      .filter(([path, schema]) => path !== "" && schema.type === "object" && schema.additionalProperties === undefined)
      .filter(([, schema]) => schema["x-kubernetes-preserve-unknown-fields"] !== true);
    expect(closed.map(([path]) => path)).toEqual([]);
  });

  it("explains every field", () => {
    const fields = [...places(definition.spec.versions[0]!.schema.openAPIV3Schema)].filter(
      ([path]) => !/[\]}]$/.test(path),
    );
    const silent = fields.filter(([, { description = "" }]) => description.length < 2).map(([path]) => path);
    expect(silent).toEqual([]);
  });
});

describe("the comparison", () => {
  const kind = OURS.find(({ kind, group }) => kind === "WasmPlugin" && group === "weft.mesh")!;
  const spec = specOf(definitionOf("WasmPlugin", "weft.mesh"));
  const { url, ...others } = spec.properties ?? {};

  it.each<[string, Schema["properties"] & {}, string]>([
    ["a field that is missing", others, "spec.url: not in the CRD"],
    ["a field that is not read", { ...spec.properties, more: { type: "string" } }, "spec.more: not read"],
    ["another type", { ...spec.properties, url: { type: "integer" } }, "spec.url: is read as string"],
    [
      "a value in the place of a list",
      { ...spec.properties, match: { type: "object" } },
      "spec.match: is read as a list",
    ],
    [
      "a field far below",
      { ...spec.properties, match: { items: { properties: { mode: url! } } } },
      "spec.match[].ports: not in the CRD",
    ],
  ])("finds %s", (_, properties, line) => {
    expect(differences({ ...spec, properties }, decoderFields(kind))).toEqual([line]);
  });
});

describe("objects that are in force", () => {
  it.each([...goldenObjects(), ...exampleObjects()].filter(({ object }) => isOurs(groupOf(object.apiVersion))))(
    "$file $object.kind $object.metadata.name has the form of its CRD",
    ({ object }) => {
      const [group = "", version = ""] = object.apiVersion.split("/");
      const validate = validatorOf(object.kind, group, version);
      validate(structuredClone(object));
      expect(validate.errors ?? []).toEqual([]);
    },
  );
});

const validators = new Map<string, ReturnType<typeof schemaValidator>>();

function validatorOf(kind: string, group: string, version: string) {
  const key = `${group}/${version} ${kind}`;
  const validate = validators.get(key) ?? schemaValidator(definitionOf(kind, group), version);
  validators.set(key, validate);
  return validate;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}
