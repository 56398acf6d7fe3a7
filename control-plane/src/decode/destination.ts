import type { Destination, Target } from "../model/http-route.js";
import { resolveHost } from "../model/service.js";
import { type Field, type Reader, readInteger, readList, readObject, readPort } from "./fields.js";
import { readDnsLabel, readHost } from "./names.js";

interface Share {
  readonly target: Target | undefined;
  readonly weight: number | undefined;
  readonly hasWeight: boolean;
}

/** The destinations of a route, whose weights add up to 100. A single destination needs no weight. */
export function readDestinations(namespace: string): Reader<Destination[]> {
  const read = readList(readShare(namespace), { min: 1, max: 100 });
  return (field) => {
    const shares = read(field);
    if (shares === undefined) return undefined;
    checkWeights(shares, field);
    return shares.flatMap(({ target, weight = 100 }) => (target === undefined ? [] : [{ ...target, weight }]));
  };
}

function readShare(namespace: string): Reader<Share> {
  return readObject((fields) => {
    fields.unsupported({ headers: "remove it; it comes with a later version" });
    const hint = "moves below destination: write destination: {host: …}";
    fields.belongElsewhere({ host: hint, subset: hint, port: hint });
    const target = fields.required("destination", readTarget(namespace), "name the host of the destination");
    const weight = fields.optional("weight", readInteger(0, 100));
    return { target, weight, hasWeight: fields.has("weight") };
  });
}

function readTarget(namespace: string): Reader<Target> {
  return readObject((fields) => {
    const host = fields.required("host", readHost, "name the Service that gets the requests");
    const subset = fields.optional("subset", readDnsLabel);
    const port = fields.optional("port", readPortNumber);
    fields.belongElsewhere({ weight: "move it up, beside destination" });
    return {
      host: resolveHost(host ?? "", namespace),
      ...(subset !== undefined && { subset }),
      ...(port !== undefined && { port }),
    };
  });
}

const readPortNumber: Reader<number> = readObject((fields) => fields.required("number", readPort));

function checkWeights(shares: readonly Share[], field: Field): void {
  // A weight that could not be read was reported; a sum without it would mislead.
  if (shares.some(({ weight, hasWeight }) => hasWeight && weight === undefined)) return;
  const [first] = shares;
  if (shares.length === 1 && first?.hasWeight === false) return;
  const weights = shares.map(({ weight = 0 }) => weight);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum !== 100) {
    const added = weights.length === 1 ? "the only weight is" : `the weights ${weights.join(" + ")} add up to`;
    field.problems.error(field.path, "WeightSum", `${added} ${sum}, not 100`, "make the weights add up to 100");
    return;
  }
  shares.forEach(({ hasWeight }, position) => {
    if (hasWeight) return;
    const path = [...field.path, position, "weight"];
    field.problems.error(
      path,
      "MissingField",
      "is missing, so nothing would go there",
      "give every destination a weight",
    );
  });
}
