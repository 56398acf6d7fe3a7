import {
  type AccessLogMode,
  DEFAULT_TELEMETRY,
  type LogFormat,
  STDOUT,
  type TelemetryDefaults,
  type TelemetryProvider,
  type TelemetryServer,
} from "../model/telemetry.js";
import { readCalloutHost, readCalloutTls } from "./callouts.js";
import {
  child,
  type ObjectFields,
  type Reader,
  readList,
  readMap,
  readObject,
  readOneOf,
  readPort,
  readString,
  refuse,
  show,
} from "./fields.js";
import { readFormat } from "./log-format.js";
import { readDnsLabel, readDnsSubdomain } from "./names.js";
import { readPercent } from "./percentage.js";
import { readTags } from "./telemetry.js";

const MAX_PROVIDERS = 20;
const KINDS = ["file", "openTelemetry", "zipkin"] as const;

/** The fields `providers`, `accessLog` and `tracing` of a MeshConfig. */
export function readTelemetryDefaults(fields: ObjectFields): TelemetryDefaults {
  const providers = fields.optional("providers", readProviders) ?? [];
  const accessLog = fields.optional("accessLog", readAccessLog) ?? DEFAULT_TELEMETRY.accessLog;
  const tracing = fields.optional("tracing", readTracing) ?? DEFAULT_TELEMETRY.tracing;
  return { providers, accessLog, tracing };
}

const MODES: Readonly<Record<"Off" | "On" | "Errors", AccessLogMode>> = { Off: "off", On: "on", Errors: "errors" };

const readAccessLog: Reader<TelemetryDefaults["accessLog"]> = readObject((fields) => {
  const word = fields.optional("mode", readOneOf(["Off", "On", "Errors"]));
  const providers = fields.optional("providers", readNames) ?? DEFAULT_TELEMETRY.accessLog.providers;
  return { mode: word === undefined ? DEFAULT_TELEMETRY.accessLog.mode : MODES[word], providers };
});

const readTracing: Reader<TelemetryDefaults["tracing"]> = readObject((fields) => {
  const { tracing } = DEFAULT_TELEMETRY;
  return {
    providers: fields.optional("providers", readNames) ?? tracing.providers,
    samplingPercentage: fields.optional("samplingPercentage", readPercent) ?? tracing.samplingPercentage,
    tags: fields.optional("customTags", readTags) ?? tracing.tags,
  };
});

const readNames = readList(readDnsSubdomain, { max: MAX_PROVIDERS });

const readProviders: Reader<TelemetryProvider[]> = (field) => {
  const providers = readList(readProvider, { max: MAX_PROVIDERS })(field);
  providers?.forEach(({ name }, position) => {
    if (providers.findIndex((other) => other.name === name) === position) return;
    const place = child(child(field, position, undefined), "name", name);
    refuse(place, "DuplicateName", `${show(name)} is another provider's name too`, "give each its own name");
  });
  return providers;
};

const readProvider: Reader<TelemetryProvider> = (field) =>
  readObject((fields): TelemetryProvider | undefined => {
    const name = fields.required("name", readDnsLabel, "name the provider; policies use it by this name");
    const file = fields.optional("file", readFile);
    const openTelemetry = fields.optional("openTelemetry", readServer("http2"));
    const zipkin = fields.optional("zipkin", readServer("http"));
    const given = KINDS.filter((kind) => fields.has(kind));
    if (given.length !== 1) {
      const found = given.length === 0 ? "says not what it is" : `has ${given.join(" and ")}`;
      return refuse(field, "InvalidValue", found, `give exactly one of ${KINDS.join(", ")}`);
    }
    if (name === STDOUT.name || name === "envoy") {
      const place = child(field, "name", name);
      return refuse(place, "InvalidName", `${show(name)} is always there`, "choose another name");
    }
    if (name === undefined) return undefined;
    if (file !== undefined) return { kind: "file", name, ...file };
    if (openTelemetry !== undefined) return { kind: "openTelemetry", name, server: openTelemetry.server };
    return zipkin === undefined ? undefined : { kind: "zipkin", name, ...zipkin };
  })(field);

const readFile: Reader<{ readonly path: string; readonly format: LogFormat }> = (field) =>
  readObject((fields) => {
    const path = fields.optional("path", readPath) ?? STDOUT_PATH;
    const json = fields.optional("json", readMap(readString(128), readFormat));
    const text = fields.optional("text", readFormat);
    if (json !== undefined && text !== undefined)
      return refuse(field, "ConflictingFields", "has json and text", "write the lines as one of the two");
    if (json !== undefined) return { path, format: { kind: "json" as const, fields: json } };
    if (text === undefined) return { path, format: { kind: "default" as const } };
    return { path, format: { kind: "text" as const, text: text.endsWith("\n") ? text : `${text}\n` } };
  })(field);

const STDOUT_PATH = "/dev/stdout";

/** A file that Envoy appends to. It must be absolute, because nobody knows Envoy's working directory. */
const readPath: Reader<string> = (field) => {
  const path = readString(1024)(field);
  if (path === undefined || (path.startsWith("/") && !path.split("/").includes(".."))) return path;
  return refuse(field, "InvalidPath", `${show(path)} is no absolute path`, `write a path such as ${STDOUT_PATH}`);
};

function readServer(
  protocol: TelemetryServer["protocol"],
): Reader<{ readonly server: TelemetryServer; readonly path: string }> {
  return readObject((fields, field) => {
    const host = fields.required("host", readCalloutHost, "name the Service or the server");
    const port = fields.required("port", readPort, "write the server's port; of a Service, the Service's");
    const tls = fields.optional("tls", readCalloutTls);
    const path = fields.optional("path", readString(256)) ?? ZIPKIN_PATH;
    if (fields.has("path") && (protocol !== "http" || !path.startsWith("/")))
      return protocol === "http"
        ? refuse(child(field, "path", path), "InvalidPath", `${show(path)} is no path`, "let it begin with /")
        : refuse(child(field, "path", path), "ConflictingFields", "is for HTTP, and OTLP goes over gRPC", "remove it");
    if (host === undefined || port === undefined) return undefined;
    return { path, server: { host, port, protocol, ...(tls !== undefined && { tls }) } };
  });
}

const ZIPKIN_PATH = "/api/v2/spans";
