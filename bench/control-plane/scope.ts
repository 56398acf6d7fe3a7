import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import type { ApiServer } from "../../test/kubernetes/api-server.js";
import { ROOT } from "../measure/repository.js";

/** Services that a bounded sidecar is sent, the first ones of the load. */
export const SCOPED_SERVICES = 5;
const DEFINITION = join(ROOT, "charts", "weft", "files", "crds", "sidecars.networking.istio.io.yaml");

/** Makes the kind Sidecar known to the API server. */
export async function defineSidecars(server: ApiServer): Promise<void> {
  const definition: unknown = parse(await readFile(DEFINITION, "utf8"));
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const { status, body } = await server.ask("POST", path, definition);
  if (status !== 201) throw new Error(`the API server does not take the kind Sidecar: ${body.message}`);
}

/** One Sidecar bounds what the sidecars of the namespace are sent, or there is none. */
export async function setScope(server: ApiServer, namespace: string, isScoped: boolean): Promise<void> {
  const path = `/apis/networking.istio.io/v1/namespaces/${namespace}/sidecars`;
  const hosts = Array.from({ length: SCOPED_SERVICES }, (_, i) => `./svc-${i}.${namespace}.svc.cluster.local`);
  const object = {
    apiVersion: "networking.istio.io/v1",
    kind: "Sidecar",
    metadata: { name: "default" },
    spec: { egress: [{ hosts }] },
  };
  const { status, body } = isScoped
    ? await server.ask("POST", path, object)
    : await server.ask("DELETE", `${path}/default`);
  if (![200, 201, 404, 409].includes(status)) throw new Error(`the scope cannot be set: ${body.message}`);
}
