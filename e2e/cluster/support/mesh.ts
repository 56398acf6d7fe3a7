import { fileURLToPath } from "node:url";
import { apply, createNamespace, get, helm, kubectl, rolledOut } from "./cluster.js";

export const ROOT_NAMESPACE = "weft-system";
export const RELEASE = "weft";
export const CHART = fileURLToPath(new URL("../../../charts/weft", import.meta.url));
/** A registry of plugins inside the cluster: that of the `weft` command. */
export const REGISTRY = "registry.plugins.svc.cluster.local:5000";

/** What every story's mesh is installed with. */
export const VALUES = ["--set", `controlPlane.plainHttpRegistries={${REGISTRY}}`];

/** Installs the mesh if it is not there, as a user does, and waits until it is ready. */
export async function installMesh(): Promise<void> {
  const releases = JSON.parse(await helm("list", "-n", ROOT_NAMESPACE, "-o", "json")) as { name: string }[];
  if (!releases.some(({ name }) => name === RELEASE))
    await helm("install", RELEASE, CHART, "-n", ROOT_NAMESPACE, "--create-namespace", ...VALUES);
  await rolledOut(ROOT_NAMESPACE, "deployment/weft-control-plane");
  await injectionIsOn();
}

/** The control plane names its webhook to the API server when it answers. */
export async function injectionIsOn(): Promise<void> {
  await kubectl(
    ...["wait", "mutatingwebhookconfiguration/weft-injection", "--timeout=120s"],
    "--for=jsonpath={.webhooks[0].clientConfig.caBundle}",
  );
}

/** A Namespace whose pods get sidecars. */
export async function createMeshNamespace(name: string): Promise<void> {
  await createNamespace(name, { "weft.mesh/inject": "enabled" });
}

/** Starts the registry if it is not there. */
export async function startRegistry(): Promise<void> {
  await createNamespace("plugins");
  const { items } = await get("deployments", "-n", ROOT_NAMESPACE);
  const image = items[0].spec.template.spec.containers[0].image;
  const labels = { app: "registry" };
  await apply(
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "registry", namespace: "plugins" },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: "app",
                image,
                args: ["registry", "serve", "--host", "0.0.0.0", "--port", "5000", "--memory"],
                readinessProbe: { tcpSocket: { port: 5000 }, periodSeconds: 1, failureThreshold: 60 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "registry", namespace: "plugins" },
      spec: { selector: labels, ports: [{ name: "http", port: 5000 }] },
    },
  );
  await rolledOut("plugins", "deployment/registry");
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** An object's status, as `kubectl get` has it. */
export async function statusOf(
  namespace: string,
  kind: string,
  name: string,
  // biome-ignore lint/suspicious/noExplicitAny: statuses of many kinds
): Promise<any> {
  return (await get("-n", namespace, kind, name)).status ?? {};
}
