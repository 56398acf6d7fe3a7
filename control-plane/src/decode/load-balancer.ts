import type { Algorithm, HashKey, HashTable, LoadBalancer, Warmup } from "../model/traffic-policy.js";
import { defined } from "./defined.js";
import { readDurationMs } from "./duration.js";
import {
  type Field,
  type ObjectFields,
  type Reader,
  readBoolean,
  readInteger,
  readObject,
  readOneOf,
  readString,
  refuse,
  show,
} from "./fields.js";
import { readLocalityBalancing } from "./locality-balancing.js";
import { readPercent } from "./percentage.js";

const SIMPLE = ["UNSPECIFIED", "ROUND_ROBIN", "LEAST_REQUEST", "LEAST_CONN", "RANDOM", "PASSTHROUGH"] as const;

/** Envoy's own bound of both tables. */
const MAX_RING = 8_388_608;
const MAX_MAGLEV = 5_000_011;

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings */
export const readLoadBalancer: Reader<LoadBalancer> = readObject((fields, field) => {
  const simple = fields.optional("simple", readOneOf(SIMPLE));
  const consistentHash = fields.optional("consistentHash", readConsistentHash);
  const locality = fields.optional("localityLbSetting", readLocalityBalancing);
  const warmup = readWarmups(fields);
  if (fields.has("simple") && fields.has("consistentHash"))
    refuse(
      { ...field, path: [...field.path, "consistentHash"] },
      "Contradiction",
      "is there beside simple",
      "keep one of the two",
    );
  const algorithm = consistentHash ?? algorithmOf(simple);
  if (warmup !== undefined && algorithm !== undefined && !WITH_WARMUP.has(algorithm.kind)) {
    const name = fields.has("warmup") ? "warmup" : "warmupDurationSecs";
    field.problems.warning(
      [...field.path, name],
      "NoEffect",
      "has an effect with ROUND_ROBIN and LEAST_REQUEST only",
      "remove it, or use one of these",
    );
  }
  return defined({ algorithm, locality, warmup });
});

const WITH_WARMUP: ReadonlySet<string> = new Set(["ROUND_ROBIN", "LEAST_REQUEST"]);

function algorithmOf(simple: (typeof SIMPLE)[number] | undefined): Algorithm | undefined {
  if (simple === undefined || simple === "UNSPECIFIED") return undefined;
  return { kind: simple === "LEAST_CONN" ? "LEAST_REQUEST" : simple };
}

const readConsistentHash: Reader<Algorithm> = readObject((fields, field) => {
  const minimum = fields.optional("minimumRingSize", readInteger(0, MAX_RING));
  const ring = fields.optional("ringHash", readRing(minimum));
  const maglev = fields.optional("maglev", readMaglev);
  const keys = {
    httpHeaderName: fields.optional("httpHeaderName", readToken("header")),
    httpCookie: fields.optional("httpCookie", readCookie),
    useSourceIp: fields.optional("useSourceIp", readSourceIp),
    httpQueryParameterName: fields.optional("httpQueryParameterName", readToken("query")),
  };
  exactlyOne(fields, field, Object.keys(keys));
  const tables = ["ringHash", "maglev", "minimumRingSize"].filter((name) => fields.has(name));
  if (fields.has("maglev") && tables.length > 1)
    refuse(field, "Contradiction", `has ${tables.join(" and ")}`, "keep ringHash or maglev");
  const key = Object.values(keys).find((candidate) => candidate !== undefined);
  if (key === undefined) return undefined;
  const table: HashTable = maglev ?? ring ?? ringOf(minimum);
  return { kind: "consistentHash", key, table };
});

function exactlyOne(fields: ObjectFields, field: Field, names: readonly string[]): void {
  const given = names.filter((name) => fields.has(name));
  if (given.length === 1) return;
  const found = given.length === 0 ? `has none of ${names.join(", ")}` : `has ${given.join(" and ")}`;
  refuse(field, "InvalidValue", found, "give exactly one thing to hash");
}

function ringOf(minimumSize: number | undefined): HashTable {
  return { kind: "ring", ...(minimumSize !== undefined && { minimumSize }) };
}

const readRing = (fallback: number | undefined): Reader<HashTable> =>
  readObject((fields) => ringOf(fields.optional("minimumRingSize", readInteger(0, MAX_RING)) ?? fallback));

const readMaglev: Reader<HashTable> = readObject((fields) =>
  defined({ kind: "maglev" as const, size: fields.optional("tableSize", readPrime) }),
);

const readPrime: Reader<number> = (field) => {
  const size = readInteger(2, MAX_MAGLEV)(field);
  if (size === undefined || isPrime(size)) return size;
  return refuse(field, "InvalidValue", `${size} is not a prime number`, "use one, for example 65537");
};

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return number > 1;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function readToken(kind: "header" | "query"): Reader<HashKey> {
  return (field) => {
    const name = readString(256)(field);
    if (name === undefined) return undefined;
    if (kind === "query") return { kind, name };
    if (TOKEN.test(name)) return { kind, name: name.toLowerCase() };
    return refuse(field, "InvalidName", `${show(name)} is not the name of a header`, "write one such as x-user");
  };
}

const readCookie: Reader<HashKey> = readObject((fields) => {
  fields.unsupported({ attributes: "remove them; the cookie has a name, a path and a time to live" });
  const name = fields.required("name", readCookieName, "give the cookie a name");
  const path = fields.optional("path", readString());
  const ttlMs = fields.optional("ttl", readDurationMs(0));
  return name === undefined ? undefined : defined({ kind: "cookie" as const, name, path, ttlMs });
});

const readCookieName: Reader<string> = (field) => {
  const name = readString(256)(field);
  if (name === undefined || TOKEN.test(name)) return name;
  return refuse(field, "InvalidName", `${show(name)} is not the name of a cookie`, "write one such as session");
};

const readSourceIp: Reader<HashKey> = (field) => {
  const use = readBoolean(field);
  if (use === undefined || use) return use && { kind: "sourceIp" };
  return refuse(field, "InvalidValue", "is false, so nothing is hashed", "remove it and give something else to hash");
};

/** The older field has only a duration. */
function readWarmups(fields: ObjectFields): Warmup | undefined {
  const durationMs = fields.optional("warmupDurationSecs", readDurationMs());
  return fields.optional("warmup", readWarmup) ?? (durationMs === undefined ? undefined : { durationMs });
}

const readWarmup: Reader<Warmup> = readObject((fields) => {
  const durationMs = fields.required("duration", readDurationMs(), "say how long, for example 30s");
  const minimumPercent = fields.optional("minimumPercent", readPercent);
  const aggression = fields.optional("aggression", readAggression);
  return durationMs === undefined ? undefined : defined({ durationMs, minimumPercent, aggression });
});

const readAggression: Reader<number> = (field) => {
  const { value } = field;
  if (typeof value === "number" && value >= 1 && value <= 1000) return value;
  return refuse(field, "OutOfRange", `is ${show(value)}`, "use a number from 1 to 1000");
};
