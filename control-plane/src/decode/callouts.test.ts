import { describe, expect, test } from "vitest";
import { createTestAuthority } from "../../../test/xds-fixture.js";
import { accepted, objectOf, refused } from "./decoding.js";

const { rootCert } = await createTestAuthority();
const indented = rootCert.trim().replaceAll("\n", "\n            ");

const plugin = (callouts: string) =>
  objectOf("WasmPlugin", `\n  url: "oci://r.example/p:1"\n  callouts: ${callouts}`, "{name: p, namespace: shop}");
const one = (rest: string) => plugin(`[{name: a, host: auth, port: 80, protocol: HTTP, ${rest}}]`);

function calloutsOf(yaml: string) {
  const { object } = accepted(yaml);
  return object.kind === "WasmPlugin" ? object.value.callouts : undefined;
}

test("callouts with all that they can say", () => {
  const yaml = plugin(`
    - {name: auth, host: auth, port: 8080, protocol: HTTP}
    - {name: limits, host: limits.infra.svc.cluster.local, port: 8081, protocol: GRPC}
    - {name: h2, host: 127.0.0.1, port: 1, protocol: HTTP2}
    - {name: api, host: api.example.com, port: 443, protocol: HTTPS}
    - name: own
      host: own.example.com
      port: 65535
      protocol: GRPCS
      tls:
        sni: other.example.com
        caCertificates: |
            ${indented}
            ${indented}
  `);
  expect(calloutsOf(yaml)).toEqual([
    { name: "auth", host: "auth", port: 8080, protocol: "http" },
    { name: "limits", host: "limits.infra.svc.cluster.local", port: 8081, protocol: "http2" },
    { name: "h2", host: "127.0.0.1", port: 1, protocol: "http2" },
    { name: "api", host: "api.example.com", port: 443, protocol: "http", tls: {} },
    {
      name: "own",
      host: "own.example.com",
      port: 65535,
      protocol: "http2",
      tls: { sni: "other.example.com", caCertificates: `${rootCert.trim()}\n${rootCert.trim()}\n` },
    },
  ]);
});

test.each<[string, string, string[]]>([
  ["no list", plugin("{a: b}"), ["WrongType spec.callouts"]],
  [
    "an empty callout",
    plugin("[{}]"),
    ["name", "host", "port", "protocol"].map((name) => `MissingField spec.callouts[0].${name}`),
  ],
  [
    "a name with a bar",
    plugin("[{name: 'a|b', host: h, port: 1, protocol: HTTP}]"),
    ["InvalidName spec.callouts[0].name"],
  ],
  ["a wildcard", plugin("[{name: a, host: '*.x', port: 1, protocol: HTTP}]"), ["InvalidName spec.callouts[0].host"]],
  [
    "a host with its port",
    plugin("[{name: a, host: 'h:80', port: 1, protocol: HTTP}]"),
    ["InvalidHost spec.callouts[0].host"],
  ],
  [
    "an address of IPv6",
    plugin("[{name: a, host: '::1', port: 1, protocol: HTTP}]"),
    ["InvalidHost spec.callouts[0].host"],
  ],
  [
    "half an address",
    plugin("[{name: a, host: '10.0.0', port: 1, protocol: HTTP}]"),
    ["InvalidHost spec.callouts[0].host"],
  ],
  ["port 0", plugin("[{name: a, host: h, port: 0, protocol: HTTP}]"), ["OutOfRange spec.callouts[0].port"]],
  ["TCP", plugin("[{name: a, host: h, port: 1, protocol: TCP}]"), ["UnsupportedValue spec.callouts[0].protocol"]],
  [
    "a word in lower case",
    plugin("[{name: a, host: h, port: 1, protocol: grpc}]"),
    ["InvalidValue spec.callouts[0].protocol"],
  ],
  ["TLS of a protocol without", one("tls: {sni: x}"), ["ConflictingFields spec.callouts[0].tls"]],
  ["an unknown field", one("timeout: 1s"), ["UnknownField spec.callouts[0].timeout"]],
  [
    "two of a name",
    plugin("[{name: a, host: h, port: 1, protocol: HTTP}, {name: a, host: i, port: 1, protocol: HTTP}]"),
    ["DuplicateName spec.callouts[1].name"],
  ],
  [
    "no certificate",
    plugin("[{name: a, host: h, port: 1, protocol: HTTPS, tls: {caCertificates: x}}]"),
    ["InvalidCertificate spec.callouts[0].tls.caCertificates"],
  ],
  [
    "a certificate that is none",
    plugin(
      `[{name: a, host: h, port: 1, protocol: HTTPS, tls: {caCertificates: "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"}}]`,
    ),
    ["InvalidCertificate spec.callouts[0].tls.caCertificates"],
  ],
  [
    "a private key",
    plugin(`[{name: a, host: h, port: 1, protocol: HTTPS, tls: {caCertificates: "-----BEGIN PRIVATE KEY-----"}}]`),
    ["InvalidCertificate spec.callouts[0].tls.caCertificates"],
  ],
  [
    "more than there may be",
    plugin(
      JSON.stringify(Array.from({ length: 51 }, (_, i) => ({ name: `a${i}`, host: "h", port: 1, protocol: "HTTP" }))),
    ),
    ["TooLarge spec.callouts"],
  ],
])("%s is refused", (_name, yaml, problems) => {
  expect(refused(yaml)).toEqual(problems);
});

describe("Istio's API", () => {
  test("has no callouts", () => {
    const yaml = plugin("[]").replace("weft.mesh/v1alpha1", "extensions.istio.io/v1alpha1");
    expect(refused(yaml)).toEqual(["UnknownField spec.callouts"]);
  });
});
