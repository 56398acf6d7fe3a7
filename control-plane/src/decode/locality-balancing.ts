import type { Distribution, LabelPriority, LocalityBalancing, RegionFailover } from "../model/locality-balancing.js";
import { defined } from "./defined.js";
import {
  type Reader,
  readBoolean,
  readInteger,
  readList,
  readMap,
  readObject,
  readString,
  refuse,
  show,
} from "./fields.js";
import { readQualifiedName } from "./names.js";

/** https://istio.io/latest/docs/reference/config/networking/destination-rule/#LocalityLoadBalancerSetting */
export const readLocalityBalancing: Reader<LocalityBalancing> = readObject((fields, field) => {
  const enabled = fields.optional("enabled", readBoolean) ?? true;
  const distribute = fields.optional("distribute", readList(readDistribution, { max: 100 }));
  const failover = fields.optional("failover", readList(readFailover, { max: 100 }));
  const priority = fields.optional("failoverPriority", readList(readLabelPriority, { max: 20 }));
  const given = Object.entries({ distribute, failover, failoverPriority: priority })
    .filter(([, list]) => list !== undefined && list.length > 0)
    .map(([name]) => name);
  if (given.length > 1)
    refuse(field, "Contradiction", `has ${given.join(" and ")}`, "keep one of distribute, failover, failoverPriority");
  if (!enabled) return { kind: "off" };
  if (distribute !== undefined && distribute.length > 0) return { kind: "distribute", rules: distribute };
  if (priority !== undefined && priority.length > 0) return { kind: "labels", priority };
  return { kind: "failover", regions: failover ?? [] };
});

const readFailover: Reader<RegionFailover> = readObject((fields, field) => {
  const from = fields.required("from", readRegion, "name a region");
  const to = fields.required("to", readRegion, "name a region");
  if (from === undefined || to === undefined) return undefined;
  if (from !== to) return { from, to };
  return refuse(field, "InvalidValue", `goes from ${show(from)} to itself`, "name another region");
});

const readRegion: Reader<string> = (field) => {
  const region = readPattern(field);
  if (region === undefined || !/[/*]/.test(region)) return region;
  return refuse(field, "InvalidValue", `${show(region)} is not a region`, "write the region alone, without zones or *");
};

const LABEL_VALUE = /^[^=\s]{0,63}$/;

const readLabelPriority: Reader<LabelPriority> = (field) => {
  const text = readString()(field);
  if (text === undefined) return undefined;
  const equals = text.indexOf("=");
  const label = readQualifiedName({ ...field, value: equals < 0 ? text : text.slice(0, equals) });
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  if (label === undefined) return undefined;
  if (value === undefined || LABEL_VALUE.test(value)) return defined({ label, value });
  return refuse(field, "InvalidLabel", `${show(value)} is not a valid value of a label`, "write label or label=value");
};

const readDistribution: Reader<Distribution> = readObject((fields, field) => {
  const from = fields.required("from", readPattern, "name the callers' locality, or *");
  const to = fields.required("to", readMap(readPattern, readInteger(0, 100)), "name localities with their shares");
  if (from === undefined || to === undefined) return undefined;
  const shares = Object.entries(to).map(([locality, percent]) => ({ locality, percent }));
  const sum = shares.reduce((total, { percent }) => total + percent, 0);
  const place = { ...field, path: [...field.path, "to"] };
  if (sum !== 100) return refuse(place, "WeightSum", `the shares add up to ${sum}, not 100`, "make them add up to 100");
  return { from, to: shares };
});

const PATTERN = /^[\w.-]+(\/[\w.-]+){0,2}(\/\*)?$/;

/** `*`, or `region/zone/subzone` of which the later parts may be `*` or missing. */
const readPattern: Reader<string> = (field) => {
  const text = readString(256)(field);
  if (text === undefined || text === "*") return text;
  if (PATTERN.test(text) && text.split("/").length <= 3) return text;
  return refuse(
    field,
    "InvalidValue",
    `${show(text)} is not a locality`,
    "write *, eu, eu/eu-1, eu/eu-1/* or eu/eu-1/a",
  );
};
