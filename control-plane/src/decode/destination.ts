import type { Destination, HeaderOperations, Target } from "../model/http-route.js";
import { resolveRuleHost } from "../model/service.js";
import type { TcpDestination } from "../model/tcp-route.js";
import { type Field, type Reader, readInteger, readList, readObject, readPort } from "./fields.js";
import { readHeaderOperations } from "./header-operations.js";
import { readDnsLabel, readHost } from "./names.js";

interface Share {
  readonly target: Target | undefined;
  readonly weight: number | undefined;
  readonly hasWeight: boolean;
  readonly headers?: HeaderOperations;
}

/** Keeps the sum of all weights of a route far below Envoy's bound of 32 bits. */
const MAX_WEIGHT = 1_000_000;

/** The destinations of an HTTP rule. A single one gets all, whatever its weight. */
export function readDestinations(namespace: string): Reader<Destination[]> {
  return readShares(readShare(namespace, true));
}

/** The destinations of a rule for connections. */
export function readTcpDestinations(namespace: string): Reader<TcpDestination[]> {
  return readShares(readShare(namespace, false));
}

function readShares(readOne: Reader<Share>): Reader<Destination[]> {
  const read = readList(readOne, { min: 1, max: 100 });
  return (field) => {
    const shares = read(field);
    if (shares === undefined) return undefined;
    checkWeights(shares, field);
    return shares.flatMap(({ target, weight = 0, headers }) => {
      if (target === undefined) return [];
      return { ...target, weight: shares.length === 1 ? 100 : weight, ...(headers !== undefined && { headers }) };
    });
  };
}

function readShare(namespace: string, isHttp: boolean): Reader<Share> {
  return readObject((fields) => {
    const hint = "moves below destination: write destination: {host: …}";
    fields.belongElsewhere({ host: hint, subset: hint, port: hint });
    const target = fields.required("destination", readTarget(namespace), "name the host of the destination");
    const weight = fields.optional("weight", readInteger(0, MAX_WEIGHT));
    const headers = isHttp ? fields.optional("headers", readHeaderOperations) : undefined;
    const changes = headers !== undefined && Object.keys(headers).length > 0;
    return { target, weight, hasWeight: fields.has("weight"), ...(changes && { headers }) };
  });
}

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination */
export function readTarget(namespace: string): Reader<Target> {
  return readObject((fields) => {
    const host = fields.required("host", readHost, "name the Service that gets the requests");
    const subset = fields.optional("subset", readDnsLabel);
    const port = fields.optional("port", readPortNumber);
    fields.belongElsewhere({ weight: "move it up, beside destination" });
    return {
      host: resolveRuleHost(host ?? "", namespace),
      ...(subset !== undefined && { subset }),
      ...(port !== undefined && { port }),
    };
  });
}

const readPortNumber: Reader<number> = readObject((fields) => fields.required("number", readPort));

/** Weights are shares of their sum; one that is close to 100 and is not 100 is likely a slip. */
function checkWeights(shares: readonly Share[], field: Field): void {
  // A weight that could not be read was reported; a sum without it would mislead.
  if (shares.length < 2 || shares.some(({ weight, hasWeight }) => hasWeight && weight === undefined)) return;
  const weights = shares.map(({ weight = 0 }) => weight);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) {
    field.problems.error(field.path, "WeightSum", "has no weight at all, so nothing would go anywhere", "give weights");
    return;
  }
  if (sum !== 100 && sum >= 80 && sum <= 120)
    field.problems.warning(
      field.path,
      "WeightSum",
      `the weights ${weights.join(" + ")} add up to ${sum}, so the shares are ${weights.map((weight) => `${Number(((100 * weight) / sum).toFixed(1))} %`).join(", ")}`,
      "make the weights add up to 100 if they are meant as per cent",
    );
  shares.forEach(({ hasWeight }, position) => {
    if (hasWeight) return;
    field.problems.warning(
      [...field.path, position, "weight"],
      "MissingField",
      "is missing, so nothing goes there",
      "give every destination a weight",
    );
  });
}
