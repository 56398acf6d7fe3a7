import { describe, expect, it } from "vitest";
import type { JsonObject } from "./json.js";
import { webhookConfigurations } from "./webhook-configurations.js";

const [injection, validation] = webhookConfigurations({
  client: { kind: "service", namespace: "weft-system", name: "weft-control-plane", port: 443 },
  caBundle: "PEM",
  token: "secret",
  rootNamespace: "weft-system",
});
const webhooksOf = (configuration: JsonObject) => configuration.webhooks as unknown as readonly Webhook[];

interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly sideEffects: string;
  readonly clientConfig: { readonly service: { readonly path: string }; readonly caBundle: string };
  readonly namespaceSelector?: { readonly matchExpressions: readonly JsonObject[] };
  readonly rules: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[];
}

describe("the webhook configurations", () => {
  it("never let a pod of the cluster or of the control plane depend on the control plane", () => {
    for (const { namespaceSelector, failurePolicy } of webhooksOf(injection)) {
      expect(failurePolicy).toBe("Fail");
      expect(namespaceSelector?.matchExpressions).toContainEqual({
        key: "kubernetes.io/metadata.name",
        operator: "NotIn",
        values: ["kube-node-lease", "kube-public", "kube-system", "weft-system"],
      });
    }
  });

  it("let every object pass while the control plane is away", () => {
    for (const { failurePolicy } of webhooksOf(validation)) expect(failurePolicy).toBe("Ignore");
  });

  it("name paths with the token, and the roots in base64", () => {
    expect(webhooksOf(injection).map(({ clientConfig }) => clientConfig.service.path)).toEqual([
      "/inject/secret",
      "/inject/secret",
    ]);
    for (const { clientConfig } of webhooksOf(validation)) {
      expect(clientConfig.service.path).toBe("/validate/secret");
      expect(clientConfig.caBundle).toBe("UEVN");
    }
  });

  it("ask about the kinds of the mesh, by the names of their resources, and about no Secret or Pod", () => {
    const [mesh, services] = webhooksOf(validation);
    expect(mesh?.rules.map(({ apiGroups, resources }) => `${resources}.${apiGroups}`).sort()).toEqual([
      "authorizationpolicies.security.istio.io",
      "destinationrules.networking.istio.io",
      "grpcroutes.gateway.networking.k8s.io",
      "httproutes.gateway.networking.k8s.io",
      "meshconfigs.weft.mesh",
      "peerauthentications.security.istio.io",
      "referencegrants.gateway.networking.k8s.io",
      "requestauthentications.security.istio.io",
      "serviceentries.networking.istio.io",
      "sidecars.networking.istio.io",
      "telemetries.telemetry.istio.io",
      "virtualservices.networking.istio.io",
      "wasmplugins.extensions.istio.io",
      "wasmplugins.weft.mesh",
      "workloadentries.networking.istio.io",
    ]);
    expect(services?.rules.flatMap(({ resources }) => resources)).toEqual(["services"]);
  });

  it("can name a URL", () => {
    const [byUrl] = webhookConfigurations({
      client: { kind: "url", origin: "https://127.0.0.1:15017" },
      caBundle: "PEM",
      token: "secret",
      rootNamespace: "weft-system",
    });
    expect(webhooksOf(byUrl)[0]?.clientConfig).toEqual({
      url: "https://127.0.0.1:15017/inject/secret",
      caBundle: "UEVN",
    });
  });
});
