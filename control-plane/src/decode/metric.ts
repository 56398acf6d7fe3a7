import { FAILURE_SUFFIX, type MetricDefinition } from "../model/plugin-manifest.js";
import {
  child,
  type Field,
  type ObjectFields,
  type Reader,
  readBoolean,
  readMap,
  readObject,
  readOneOf,
  readOpenObject,
  readString,
  refuse,
  show,
} from "./fields.js";
import { readFormat } from "./log-format.js";

/** A MetricDefinition: of a plugin's manifest or of a WasmPlugin. */
export const readMetric: Reader<MetricDefinition> = readObject(readMetricFields);

/** The same, with fields of a newer version let be. */
export const readOpenMetric: Reader<MetricDefinition> = readOpenObject(readMetricFields);

function readMetricFields(fields: ObjectFields, field: Field): MetricDefinition {
  const name = fields.required("name", readMetricName, "name the series");
  const type = fields.required("type", readOneOf(["counter", "histogram"]), "write counter or histogram");
  const value = fields.optional("value", readFormat);
  const labels = fields.optional("labels", readMap(readLabelName, readFormat)) ?? {};
  const protocol = fields.optional("protocol", readOneOf(["http", "tcp"]));
  const when = fields.optional("when", readOneOf(["start", "end"]));
  if (when === "start" && protocol !== "tcp")
    field.problems.error(
      [...field.path, "when"],
      "InvalidValue",
      "is start, but the series is of HTTP requests, which are counted when they end",
      "remove it, or write protocol: tcp",
    );
  const countedBy = fields.optional("countedBy", readOneOf(["proxy", "plugin"])) ?? "proxy";
  if (type === "histogram" && countedBy === "proxy" && !fields.has("value"))
    field.problems.error(
      [...field.path, "value"],
      "MissingField",
      "is missing",
      "say which value the histogram records",
    );
  if (countedBy === "plugin") refuseProxyFields(fields, labels, field);
  const failure = fields.optional("failure", readBoolean) ?? false;
  if (failure && name !== undefined && type !== undefined)
    requireCountable({ name, type, isCountedAlways: countedBy === "proxy" && !fields.has("value") }, field);
  return {
    name: name ?? "",
    type: type ?? "counter",
    labels,
    ...(value !== undefined && { value }),
    ...(protocol !== undefined && { protocol }),
    ...(when !== undefined && { when }),
    ...(countedBy === "plugin" && { countedBy }),
    ...(failure && { failure }),
  };
}

/** What says how a proxy counts a series means nothing where the plugin counts it. */
function refuseProxyFields(fields: ObjectFields, labels: Readonly<Record<string, string>>, field: Field): void {
  const given = ["value", "labels", "protocol", "when"].filter((name) => fields.has(name));
  // The build completes a manifest with empty labels.
  for (const name of given)
    if (name !== "labels" || Object.keys(labels).length > 0)
      field.problems.error(
        [...field.path, name],
        "InvalidValue",
        "says how the proxy counts the series, but the plugin counts it itself",
        "remove it, or remove countedBy: plugin",
      );
}

/** What a rollout cannot read, or what says nothing of failures, cannot be a series of failures. */
function requireCountable(
  { name, type, isCountedAlways }: { readonly name: string; readonly type: string; readonly isCountedAlways: boolean },
  field: Field,
): void {
  if (type !== "counter")
    refuse(child(field, "failure", true), "InvalidValue", `is true of a ${type}`, "only a counter can count failures");
  if (!name.endsWith(FAILURE_SUFFIX))
    refuse(
      child(field, "name", name),
      "InvalidName",
      `${show(name)} does not end in ${FAILURE_SUFFIX}, and rollouts can read no other series of failures`,
      `rename it, for example to ${name.replace(/(_failures?|_errors?)?(_total)?$/, "")}${FAILURE_SUFFIX}`,
    );
  if (isCountedAlways)
    field.problems.error(
      [...field.path, "value"],
      "MissingField",
      "is missing: without it every request counts as a failure",
      "give a format that is 0 when all is well, or write countedBy: plugin where the plugin counts it itself",
    );
}

const readMetricName: Reader<string> = (field) => {
  const name = readString(200)(field);
  if (name === undefined || /^[A-Za-z_:][A-Za-z0-9_:]*$/.test(name)) return name;
  return refuse(field, "InvalidName", `${show(name)} is not the name of a metric`, "use letters, digits, '_' and ':'");
};

const readLabelName: Reader<string> = (field) => {
  const name = readString(128)(field);
  if (name === undefined || /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  return refuse(field, "InvalidName", `${show(name)} is not the name of a label`, "use letters, digits and '_'");
};
