import type { MetricDefinition } from "../model/plugin-manifest.js";
import {
  type Field,
  type ObjectFields,
  type Reader,
  readAnyString,
  readMap,
  readObject,
  readOneOf,
  readOpenObject,
  readString,
  refuse,
  show,
} from "./fields.js";

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
  if (type === "histogram" && !fields.has("value"))
    field.problems.error(
      [...field.path, "value"],
      "MissingField",
      "is missing",
      "say which value the histogram records",
    );
  return {
    name: name ?? "",
    type: type ?? "counter",
    labels,
    ...(value !== undefined && { value }),
    ...(protocol !== undefined && { protocol }),
    ...(when !== undefined && { when }),
  };
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

/** https://www.envoyproxy.io/docs/envoy/v1.40.0/configuration/observability/access_log/usage#format-strings */
const readFormat: Reader<string> = (field) => {
  const format = readAnyString(1024)(field);
  if (format === undefined || format.split("%").length % 2 === 1) return format;
  return refuse(
    field,
    "InvalidFormat",
    `${show(format)} has a % without its partner`,
    "write a command as %COMMAND%, and %% for a percent sign",
  );
};
