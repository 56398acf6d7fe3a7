import { type Field, type ObjectFields, readList, readString, show } from "./fields.js";

/** Said of what is for gateways only. */
export const ELSEWHERE = "elsewhere";

const readNames = readList(readGateway, { max: 100 });

/** `gateways` of a VirtualService: must have the sidecars' reserved word among them, or be absent. */
export function readGateways(fields: ObjectFields, field: Field): void {
  const names = fields.optional("gateways", readNames);
  if (names === undefined || names.length === 0 || names.includes("mesh")) return;
  field.problems.error(
    [...field.path, "gateways"],
    "UnsupportedValue",
    "names gateways only, which are not supported yet, so nothing would follow from the object",
    "add mesh, or leave gateways out",
  );
}

/** `gateways` of a match: ELSEWHERE where it is for none of the mesh's callers. */
export function readMatchGateways(fields: ObjectFields): typeof ELSEWHERE | undefined {
  const names = fields.optional("gateways", readNames);
  return names === undefined || names.length === 0 || names.includes("mesh") ? undefined : ELSEWHERE;
}

/** Says of each rule that has a place in the mesh where it stood, if not where it stands now. */
export function rulesHere<T extends object>(rules: readonly (T | typeof ELSEWHERE)[]): (T & { position?: number })[] {
  const here: (T & { position?: number })[] = [];
  rules.forEach((rule, position) => {
    if (rule !== ELSEWHERE) here.push(position === here.length ? rule : { ...rule, position });
  });
  return here;
}

function readGateway(field: Field): string | undefined {
  const name = readString()(field);
  if (name !== undefined && name !== "mesh")
    field.problems.warning(
      field.path,
      "UnsupportedValue",
      `names the gateway ${show(name)}; gateways are not supported yet, so nothing follows for it`,
      "nothing, if that is meant; mesh stands for the sidecars",
    );
  return name;
}
