import { describe, expect, it } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const telemetry = (spec: string) => objectOf("Telemetry", spec, "{name: t, namespace: shop}");
const mesh = (spec: string) => objectOf("MeshConfig", spec, "{name: default, namespace: weft-system}");

describe("a Telemetry", () => {
  it("reads logs and traces with what they are for", () => {
    const { value } = accepted(
      telemetry(`
  selector: {matchLabels: {app: web}}
  accessLogging:
  - match: {mode: SERVER}
    providers: [{name: audit}]
    filter: {expression: "response.code >= 500"}
  - match: {mode: CLIENT}
    disabled: true
  tracing:
  - providers: [{name: zipkin}]
    randomSamplingPercentage: 12.5
    customTags:
      team: {literal: {value: a}}
      user: {header: {name: x-user, defaultValue: nobody}}
      zone: {environment: {name: ZONE}}
      route: {formatter: {value: "%ROUTE_NAME%"}}
  - match: {mode: SERVER}
    disableSpanReporting: true`),
    );
    expect(value).toEqual({
      namespace: "shop",
      name: "t",
      selector: { app: "web" },
      accessLogging: [
        { direction: "server", providers: ["audit"], mode: "on", expression: "response.code >= 500" },
        { direction: "client", providers: [], mode: "off" },
      ],
      tracing: [
        {
          providers: ["zipkin"],
          samplingPercentage: 12.5,
          tags: {
            team: { kind: "literal", value: "a" },
            user: { kind: "header", name: "x-user", defaultValue: "nobody" },
            zone: { kind: "environment", name: "ZONE" },
            route: { kind: "format", value: "%ROUTE_NAME%" },
          },
        },
        { direction: "server", reportsSpans: false, tags: {} },
      ],
    });
  });

  it("without a spec says nothing", () => {
    const { value } = accepted("apiVersion: telemetry.istio.io/v1alpha1\nkind: Telemetry\nmetadata: {name: t}\n");
    expect(value).toEqual({ namespace: "default", name: "t", accessLogging: [], tracing: [] });
  });

  it.each([
    ["{metrics: [{}]}", "UnsupportedField spec.metrics"],
    ["{targetRefs: [{kind: Service, name: a}]}", "UnsupportedField spec.targetRefs"],
    [
      "{accessLogging: [{filter: {expression: 'response.code >='}}]}",
      "InvalidExpression spec.accessLogging[0].filter.expression",
    ],
    ["{accessLogging: [{match: {mode: BOTH}}]}", "InvalidValue spec.accessLogging[0].match.mode"],
    ["{accessLogging: [{providers: [{nam: a}]}]}", "UnknownField spec.accessLogging[0].providers[0].nam"],
    ["{tracing: [{randomSamplingPercentage: 101}]}", "OutOfRange spec.tracing[0].randomSamplingPercentage"],
    ["{tracing: [{customTags: {a: {}}}]}", "InvalidValue spec.tracing[0].customTags.a"],
    [
      "{tracing: [{customTags: {a: {literal: {value: x}, header: {name: y}}}}]}",
      "InvalidValue spec.tracing[0].customTags.a",
    ],
    [
      "{tracing: [{customTags: {a: {formatter: {value: '%NOTHING%'}}}}]}",
      "InvalidFormat spec.tracing[0].customTags.a.formatter.value",
    ],
  ])("refuses %s", (spec, problem) => expect(refused(telemetry(spec))).toContain(problem));
});

describe("a MeshConfig's telemetry", () => {
  it("reads providers and defaults", () => {
    const { value } = accepted(
      mesh(`
  providers:
  - {name: audit, file: {path: /var/log/access.log, text: "%RESPONSE_CODE%"}}
  - {name: fields, file: {json: {code: "%RESPONSE_CODE%"}}}
  - {name: collector, openTelemetry: {host: otel.ops, port: 4317}}
  - {name: zipkin, zipkin: {host: zipkin.example.com, port: 443, tls: {}, path: /api}}
  accessLog: {mode: Errors, providers: [audit]}
  tracing: {providers: [zipkin], samplingPercentage: 0.1, customTags: {a: {literal: {value: b}}}}`),
    );
    expect(value).toMatchObject({
      telemetry: {
        providers: [
          {
            kind: "file",
            name: "audit",
            path: "/var/log/access.log",
            format: { kind: "text", text: "%RESPONSE_CODE%\n" },
          },
          {
            kind: "file",
            name: "fields",
            path: "/dev/stdout",
            format: { kind: "json", fields: { code: "%RESPONSE_CODE%" } },
          },
          { kind: "openTelemetry", name: "collector", server: { host: "otel.ops", port: 4317, protocol: "http2" } },
          {
            kind: "zipkin",
            name: "zipkin",
            path: "/api",
            server: { host: "zipkin.example.com", port: 443, protocol: "http", tls: {} },
          },
        ],
        accessLog: { mode: "errors", providers: ["audit"] },
        tracing: { providers: ["zipkin"], samplingPercentage: 0.1, tags: { a: { kind: "literal", value: "b" } } },
      },
    });
  });

  it("logs nothing and traces nothing where it says nothing", () => {
    expect(accepted(mesh("{}")).value).toMatchObject({
      telemetry: { providers: [], accessLog: { mode: "off" }, tracing: { providers: [] } },
    });
  });

  it.each([
    ["{providers: [{name: a}]}", "InvalidValue spec.providers[0]"],
    ["{providers: [{name: a, file: {}, zipkin: {host: b, port: 1}}]}", "InvalidValue spec.providers[0]"],
    ["{providers: [{name: stdout, file: {}}]}", "InvalidName spec.providers[0].name"],
    ["{providers: [{name: a, file: {}}, {name: a, file: {}}]}", "DuplicateName spec.providers[1].name"],
    ["{providers: [{name: a, file: {path: log}}]}", "InvalidPath spec.providers[0].file.path"],
    ["{providers: [{name: a, file: {path: /a/../b}}]}", "InvalidPath spec.providers[0].file.path"],
    ["{providers: [{name: a, file: {text: x, json: {a: b}}}]}", "ConflictingFields spec.providers[0].file"],
    ["{providers: [{name: a, file: {text: '%REQ%'}}]}", "InvalidFormat spec.providers[0].file.text"],
    ["{providers: [{name: a, file: {text: '100%'}}]}", "InvalidFormat spec.providers[0].file.text"],
    [
      "{providers: [{name: a, openTelemetry: {host: a, port: 1, path: /x}}]}",
      "ConflictingFields spec.providers[0].openTelemetry.path",
    ],
    ["{providers: [{name: a, zipkin: {host: a, port: 0}}]}", "OutOfRange spec.providers[0].zipkin.port"],
    ["{accessLog: {mode: on}}", "InvalidValue spec.accessLog.mode"],
    ["{tracing: {samplingPercentage: -1}}", "OutOfRange spec.tracing.samplingPercentage"],
  ])("refuses %s", (spec, problem) => expect(refused(mesh(spec))).toContain(problem));

  it.each([
    "",
    "%%",
    "%CEL(has(a.b) ? c : (d))% %RESPONSE_CODE%",
    "100%% %REQ(X-A?Y):10% %START_TIME(%s.%3f)% %METADATA(CLUSTER:a:b)%",
  ])("takes the format %j", (text) => {
    const { value } = accepted(mesh(`{providers: [{name: a, file: {json: {f: ${JSON.stringify(text)}}}}]}`));
    expect(value).toMatchObject({ telemetry: { providers: [{ format: { fields: { f: text } } }] } });
  });
});
