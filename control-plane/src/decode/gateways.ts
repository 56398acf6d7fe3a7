import { type Field, type Reader, readList, readString, refuse, show } from "./fields.js";

/** `gateways` of a VirtualService may name the sidecars only, by their reserved word. */
export const readMeshGateways: Reader<"mesh"[]> = readList(readGateway, { max: 100 });

function readGateway(field: Field): "mesh" | undefined {
  const name = readString()(field);
  if (name === undefined || name === "mesh") return name;
  const message = `names the gateway ${show(name)}; gateways are not supported yet`;
  return refuse(field, "UnsupportedValue", message, "write mesh, or leave gateways out");
}
