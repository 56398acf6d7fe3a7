import type { Mirror } from "../model/http-route.js";
import { readTarget } from "./destination.js";
import { type Field, type ObjectFields, type Reader, readList, readObject, refuse } from "./fields.js";
import { readPercent, readPercentage } from "./percentage.js";

/** The mirrors of a rule, in either of the two forms that Istio has. Those of no request are left out. */
export function readMirrors(fields: ObjectFields, field: Field, namespace: string): readonly Mirror[] | undefined {
  const only = fields.optional("mirror", readTarget(namespace));
  const shares = [
    fields.optional("mirrorPercentage", readPercentage),
    fields.optional("mirrorPercent", readPercent),
    fields.optional("mirror_percent", readPercent),
  ];
  const many = fields.optional("mirrors", readList(readMirror(namespace), { max: 100 }));
  if (!fields.has("mirror") && !fields.has("mirrors")) return undefined;
  if (fields.has("mirror") && fields.has("mirrors"))
    return refuse(field, "Conflict", "has mirror and mirrors", "put all into mirrors");
  const percentage = shares.find((share) => share !== undefined) ?? 100;
  const mirrors = only === undefined ? (many ?? []) : [{ ...only, percentage }];
  return mirrors.filter((mirror) => mirror.percentage > 0);
}

function readMirror(namespace: string): Reader<Mirror> {
  return readObject((fields) => {
    const target = fields.required("destination", readTarget(namespace), "name who gets the copies");
    const percentage = fields.optional("percentage", readPercentage) ?? 100;
    return target === undefined ? undefined : { ...target, percentage };
  });
}
