import { expect, test } from "vitest";
import { accepted, objectOf, refused } from "./decoding.js";

const sidecar = (spec: string) => objectOf("Sidecar", spec);
const hosts = (...list: string[]) => sidecar(`{egress: [{hosts: [${list.map((h) => `'${h}'`).join(", ")}]}]}`);

const ANY = { kind: "any" };

test.each([
  ["{}", {}],
  ["{egress: []}", {}],
  ["{egress: [{hosts: ['~/*']}]}", { egress: [] }],
  ["{egress: [{hosts: ['./*']}]}", { egress: [{ namespace: "default", host: ANY }] }],
  ["{egress: [{hosts: ['*/*']}]}", { egress: [{ host: ANY }] }],
  ["{egress: [{hosts: ['shop/*', '~/*']}]}", { egress: [{ namespace: "shop", host: ANY }] }],
  [
    "{egress: [{hosts: ['shop/*']}, {captureMode: DEFAULT, hosts: ['*/*.foo.com']}]}",
    { egress: [{ namespace: "shop", host: ANY }, { host: { kind: "suffix", value: ".foo.com" } }] },
  ],
  [
    "{egress: [{hosts: ['shop/a.shop.svc.cluster.local']}]}",
    { egress: [{ namespace: "shop", host: { kind: "exact", value: "a.shop.svc.cluster.local" } }] },
  ],
  ["{workloadSelector: {labels: {app: a}}}", { selector: { app: "a" } }],
  ["{workloadSelector: {labels: {}}}", {}],
  ["{outboundTrafficPolicy: {mode: REGISTRY_ONLY}}", { outbound: "REGISTRY_ONLY" }],
  ["{outboundTrafficPolicy: {mode: ALLOW_ANY}, ingress: []}", { outbound: "ALLOW_ANY" }],
])("%s is read", (spec, value) => {
  expect(accepted(sidecar(spec)).value).toEqual({ namespace: "default", name: "x", ...value });
});

test.each([
  [hosts("reviews"), ["InvalidHost spec.egress[0].hosts[0]"]],
  [hosts("./reviews"), ["InvalidHost spec.egress[0].hosts[0]"]],
  [hosts("./*", "~/a.b"), ["InvalidHost spec.egress[0].hosts[1]"]],
  [hosts("Shop/*"), ["InvalidName spec.egress[0].hosts[0]"]],
  [hosts("shop/a*.b.c"), ["UnsupportedValue spec.egress[0].hosts[0]"]],
  [hosts("shop/*.b..c"), ["InvalidHost spec.egress[0].hosts[0]"]],
  [hosts("shop/127.0.0.1"), ["UnsupportedValue spec.egress[0].hosts[0]"]],
  [hosts("shop/"), ["InvalidValue spec.egress[0].hosts[0]"]],
  [hosts("/*"), ["InvalidValue spec.egress[0].hosts[0]"]],
  [sidecar("{egress: [{}]}"), ["MissingField spec.egress[0].hosts"]],
  [sidecar("{egress: [{hosts: []}]}"), ["OutOfRange spec.egress[0].hosts"]],
  [sidecar("{egress: [{hosts: ['./*'], port: {number: 80}}]}"), ["UnsupportedField spec.egress[0].port"]],
  [sidecar("{egress: [{hosts: ['./*'], bind: 127.0.0.1}]}"), ["UnsupportedField spec.egress[0].bind"]],
  [sidecar("{egress: [{hosts: ['./*'], captureMode: NONE}]}"), ["UnsupportedValue spec.egress[0].captureMode"]],
  [sidecar("{ingress: [{port: {number: 80}}]}"), ["UnsupportedField spec.ingress"]],
  [sidecar("{inboundConnectionPool: {http: {}}}"), ["UnsupportedField spec.inboundConnectionPool"]],
  [sidecar("{outboundTrafficPolicy: {mode: NONE}}"), ["InvalidValue spec.outboundTrafficPolicy.mode"]],
  [
    sidecar("{outboundTrafficPolicy: {egressProxy: {host: a}}}"),
    ["UnsupportedField spec.outboundTrafficPolicy.egressProxy"],
  ],
  [sidecar("{workloadSelector: {matchLabels: {app: a}}}"), ["UnknownField spec.workloadSelector.matchLabels"]],
  [sidecar("{egres: []}"), ["UnknownField spec.egres"]],
])("%s is refused", (yaml, problems) => {
  expect(refused(yaml)).toEqual(problems);
});
