import { setTimeout as sleep } from "node:timers/promises";
import type { ApiObject, ApiServer } from "./identity/kubernetes/api-server.js";
import type { ApiCall, KubernetesApi } from "./kubernetes/api.js";
import { KubernetesApiError } from "./kubernetes/api-error.js";
import type { KubernetesReader } from "./kubernetes/reader.js";
import { isKubeObject } from "./source/kubernetes/kube-object.js";
import { reflect } from "./source/kubernetes/reflector.js";

/** What identity asks of the API server, by the two clients of it. */
export function createClusterApi(
  api: KubernetesApi,
  reader: KubernetesReader,
  onProblem: (message: string) => void,
): ApiServer {
  /** Undefined for the statuses that are answers too. */
  const ask = async (call: ApiCall, ...expected: readonly number[]): Promise<ApiObject | undefined> => {
    const { status, body, message } = await api.ask(call);
    if (expected.includes(status)) return undefined;
    if (status >= 400) throw new KubernetesApiError(status, "", `${call.method} ${call.path}: ${message}`);
    if (isKubeObject(body)) return body as unknown as ApiObject;
    // Discovery answers with a list that has no metadata.
    if (typeof body === "object" && body !== null) return { ...body, metadata: { name: "" } };
    throw new KubernetesApiError(status, "", `${call.method} ${call.path}: the answer is no object`);
  };
  return {
    read: (path) => ask({ method: "GET", path }, 404),
    create: (path, object) => ask({ method: "POST", path, body: object }, 409),
    replace: (path, object) => ask({ method: "PUT", path, body: object }, 409, 404),
    follow: (path, { fieldSelector, signal }, onObject) =>
      reflect({
        api: reader,
        path,
        fieldSelector,
        onChange: ({ applied }) => {
          for (const object of applied) onObject(object as unknown as ApiObject);
        },
        onListed: () => {},
        onProblem: (error) => onProblem(`${path}: ${error instanceof Error ? error.message : error}`),
        signal,
        pause: async (ms, until) => {
          await sleep(ms, undefined, { signal: until }).catch(() => undefined);
        },
        random: Math.random,
      }),
  };
}
