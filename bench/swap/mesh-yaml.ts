/** The port of every Service. */
export const SERVICE_PORT = 8080;

/** The WasmPlugin that all proxies run. */
export const PLUGIN = "swap";

/** How many simulated workloads one Service has. */
const FLEET_SERVICE_SIZE = 50;

/** Apps of one machine have ports of their own. Nothing listens on those of simulated workloads. */
const CLIENT_APP_PORT = 10_000;

export interface MeshShape {
  /** Simulated sidecars. */
  readonly clients: number;
  /** The first three numbers of the real sidecars' addresses: `127.3.9`. */
  readonly block: string;
  /** Where the apps of the real workloads listen, on 127.0.0.1: one for each real sidecar. */
  readonly appPorts: readonly number[];
}

/** Names of the workloads with a real sidecar, in order. */
export const envoyName = (index: number): string => `envoy-${index}`;
/** Names of the workloads whose sidecar is simulated, in order. */
export const clientName = (index: number): string => `client-${index}`;

/** The Service of a simulated workload, which is also its service account. */
export const clientApp = (index: number): string => `fleet-${Math.floor(index / FLEET_SERVICE_SIZE)}`;

/** Where a real sidecar listens. */
export const envoyAddress = (block: string, index: number): string => `${block}.${index + 1}`;

/** Services and workloads: the real ones are one Service, the simulated ones are Services of fifty. */
export function meshYaml({ appPorts, clients, block }: MeshShape): string {
  const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  return [
    serviceYaml("web"),
    ...appPorts.map((port, i) => workloadYaml(envoyName(i), "web", envoyAddress(block, i), port)),
    ...range(Math.ceil(clients / FLEET_SERVICE_SIZE)).map((i) => serviceYaml(`fleet-${i}`)),
    // Not loopback, so that no sidecar is started; nothing is sent there.
    ...range(clients).map((i) =>
      workloadYaml(clientName(i), clientApp(i), `10.1.${Math.floor(i / 250)}.${(i % 250) + 1}`, CLIENT_APP_PORT + i),
    ),
  ].join("---\n");
}

function serviceYaml(name: string): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  selector: { app: ${name} }
  ports:
    - { name: http, port: ${SERVICE_PORT} }
`;
}

function workloadYaml(name: string, app: string, address: string, appPort: number): string {
  return `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name} }
spec:
  address: ${address}
  serviceAccount: ${app}
  labels: { app: ${app} }
  ports: { http: ${appPort} }
`;
}

/** The plugin, on every workload. */
export function pluginYaml(reference: string): string {
  return `apiVersion: weft.mesh/v1alpha1
kind: WasmPlugin
metadata: { name: ${PLUGIN} }
spec:
  url: oci://${reference}
  imagePullPolicy: Always
  failStrategy: FAIL_CLOSE
`;
}
