import { KubeConfig } from "@kubernetes/client-node";

/**
 * Where the API server is and who we are: as the file says, or what the cluster gives each pod (address by environment,
 * CA and token by files that the kubelet renews).
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 *
 * @throws Error when the file is missing or says nothing usable
 */
export function loadKubeconfig(file: string | undefined): KubeConfig {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromCluster();
  else config.loadFromFile(file);
  if (config.getCurrentCluster() === null)
    throw new Error(`${file ?? "the pod's environment"} names no cluster: set current-context, or give --kubeconfig`);
  return config;
}
