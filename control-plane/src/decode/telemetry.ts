import type { Direction } from "../model/plugin.js";
import type { AccessLogRule, SpanTag, Telemetry, TracingRule } from "../model/telemetry.js";
import { readCelExpression } from "./cel.js";
import {
  type Reader,
  readAnyString,
  readBoolean,
  readList,
  readMap,
  readObject,
  readOneOf,
  readString,
  refuse,
} from "./fields.js";
import { readFormat } from "./log-format.js";
import type { Metadata } from "./metadata.js";
import { readDnsSubdomain } from "./names.js";
import { readPercent } from "./percentage.js";
import { readSelector } from "./selector.js";

const MAX_RULES = 20;
const MAX_TAGS = 100;

/**
 * A telemetry.istio.io Telemetry. https://istio.io/latest/docs/reference/config/telemetry/
 */
export function readTelemetry({ namespace, name }: Metadata): Reader<Telemetry> {
  return readObject((fields) => {
    fields.unsupported({
      metrics: "configure the telemetry plugin's WasmPlugin: it makes the metrics, and its metrics field adds to them",
      targetRef: "use selector.matchLabels",
      targetRefs: "use selector.matchLabels",
    });
    const selector = fields.optional("selector", readSelector);
    const accessLogging = fields.optional("accessLogging", readList(readAccessLogRule, { max: MAX_RULES })) ?? [];
    const tracing = fields.optional("tracing", readList(readTracingRule, { max: MAX_RULES })) ?? [];
    return { namespace, name, accessLogging, tracing, ...(selector !== undefined && { selector }) };
  });
}

const readAccessLogRule: Reader<AccessLogRule> = readObject((fields) => {
  const direction = fields.optional("match", readMatch);
  const providers = fields.optional("providers", readProviderRefs) ?? [];
  const disabled = fields.optional("disabled", readBoolean) ?? false;
  const expression = fields.optional("filter", readFilter);
  return {
    providers,
    mode: disabled ? "off" : "on",
    ...(direction !== undefined && direction !== "both" && { direction }),
    ...(expression !== undefined && { expression }),
  };
});

const readFilter: Reader<string> = readObject((fields) =>
  fields.required("expression", readCelExpression, "write a condition of CEL"),
);

const readTracingRule: Reader<TracingRule> = readObject((fields) => {
  fields.unsupported({ useRequestIdForTraceSampling: "remove it: the request id decides, as by default" });
  // The tags that Istio adds are there: workload, namespace and revision.
  fields.optional("enableIstioTags", readBoolean);
  const direction = fields.optional("match", readMatch);
  const providers = fields.optional("providers", readProviderRefs);
  const samplingPercentage = fields.optional("randomSamplingPercentage", readPercent);
  const disabled = fields.optional("disableSpanReporting", readBoolean);
  const tags = fields.optional("customTags", readTags) ?? {};
  return {
    tags,
    ...(direction !== undefined && direction !== "both" && { direction }),
    ...(providers !== undefined && providers.length > 0 && { providers }),
    ...(samplingPercentage !== undefined && { samplingPercentage }),
    ...(disabled !== undefined && { reportsSpans: !disabled }),
  };
});

const SIDES: Readonly<Record<string, Direction | "both">> = {
  CLIENT: "client",
  SERVER: "server",
  CLIENT_AND_SERVER: "both",
  UNDEFINED: "both",
};

const readMatch: Reader<Direction | "both"> = readObject((fields) => {
  const word = fields.optional("mode", readOneOf(Object.keys(SIDES)));
  return word === undefined ? "both" : SIDES[word];
});

/** Names of providers that the MeshConfig defines. */
const readProviderRefs: Reader<string[]> = readList(
  readObject((fields) => fields.required("name", readDnsSubdomain, "name a provider of the MeshConfig, or stdout")),
  { max: MAX_RULES },
);

const readTag: Reader<SpanTag> = (field) =>
  readObject((fields): SpanTag | undefined => {
    const literal = fields.optional(
      "literal",
      readObject((inner) => inner.required("value", readAnyString())),
    );
    const header = fields.optional("header", readNamed);
    const environment = fields.optional("environment", readNamed);
    const format = fields.optional(
      "formatter",
      readObject((inner) => inner.required("value", readFormat)),
    );
    const given = ["literal", "header", "environment", "formatter"].filter((name) => fields.has(name));
    if (given.length !== 1) {
      const found = given.length === 0 ? "says nothing" : `has ${given.join(" and ")}`;
      return refuse(field, "InvalidValue", found, "give exactly one of literal, header, environment and formatter");
    }
    if (literal !== undefined) return { kind: "literal", value: literal };
    if (header !== undefined) return { kind: "header", ...header };
    if (environment !== undefined) return { kind: "environment", ...environment };
    return format === undefined ? undefined : { kind: "format", value: format };
  })(field);

const readNamed: Reader<{ readonly name: string; readonly defaultValue?: string }> = readObject((fields) => {
  const name = fields.required("name", readString(256), "name it");
  const defaultValue = fields.optional("defaultValue", readAnyString());
  return name === undefined ? undefined : { name, ...(defaultValue !== undefined && { defaultValue }) };
});

/** Tags of spans by their names. */
export const readTags: Reader<Readonly<Record<string, SpanTag>>> = (field) => {
  const tags = readMap(readString(128), readTag)(field);
  if (tags === undefined || Object.keys(tags).length <= MAX_TAGS) return tags;
  return refuse(field, "TooLarge", `has ${Object.keys(tags).length} tags`, `use at most ${MAX_TAGS}`);
};
