/** The port of every Service, and where a standalone sidecar takes requests of its app. */
export const SERVICE_PORT = 8080;
export const OUTBOUND_PORT = 15001;

export interface Service {
  readonly name: string;
  readonly namespace: string;
}

export interface MeshShape {
  /** All Services, the caller's own among them; at least ten. */
  readonly services: number;
  /** The first three numbers of the sidecars' addresses: `127.3.9`. */
  readonly block: string;
  /** Where the app behind every Service listens, on 127.0.0.1. */
  readonly appPort: number;
  /** Whether callers get all services at once, whatever their number. */
  readonly allInScope: boolean;
}

export interface MeshFile {
  readonly name: string;
  readonly text: string;
}

/** Services in the caller's own namespace which it calls. */
const NEAR = 3;
/** Services in the namespace `far`: the first are called all the time, the others once. */
const FAR = 12;
const FAR_CALLED = 2;
/** Of one namespace, and of one file. */
const TEAM_SIZE = 50;
const MAX_SCOPE = 100_000;

export const CALLER: Service = { name: "caller", namespace: "default" };
export const hostOf = ({ name, namespace }: Service): string => `${name}.${namespace}.svc.cluster.local`;

/** Where the sidecars listen: the caller's, and those before the app in both namespaces. */
export const callerAddress = (block: string): string => `${block}.1`;
export const backendAddress = (block: string, namespace: string): string =>
  `${block}.${namespace === CALLER.namespace ? 2 : 3}`;

function* range(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

const near: readonly Service[] = [...range(NEAR)].map((i) => ({ name: `near-${i}`, namespace: CALLER.namespace }));
const far = (services: number): Service[] =>
  [...range(Math.min(FAR, services - 1 - NEAR))].map((i) => ({ name: `far-${i}`, namespace: "far" }));

/** What the caller's app calls all the time: five. */
export const called: readonly Service[] = [...near, ...far(FAR).slice(0, FAR_CALLED)];

/** What it has never called, and where somebody answers. */
export const uncalled = (services: number): readonly Service[] => far(services).slice(FAR_CALLED);

/** A caller, an app that is many Services in two namespaces, and Services that nobody calls. */
export function meshFiles({ services, block, appPort, allInScope }: MeshShape): MeshFile[] {
  const others = services - 1 - NEAR - far(services).length;
  const teams = [...range(Math.ceil(others / TEAM_SIZE))].map((team) => {
    const size = Math.min(TEAM_SIZE, others - team * TEAM_SIZE);
    const documents = [...range(size)].flatMap((i) => {
      const service = { name: `service-${i}`, namespace: `team-${team}` };
      // Not loopback, so that no sidecar is started; nothing is sent there.
      const address = `10.${1 + Math.floor(team / 250)}.${team % 250}.${i + 1}`;
      return [serviceYaml(service, service.name), workloadYaml(service, address, 10_000)];
    });
    return { name: `team-${team}.yaml`, text: documents.join("---\n") };
  });
  const backend = (namespace: string): string =>
    workloadYaml({ name: "backend", namespace }, backendAddress(block, namespace), appPort);
  const documents = [
    serviceYaml(CALLER, CALLER.name),
    workloadYaml(CALLER, callerAddress(block), appPort),
    ...[...near, ...far(services)].map((service) => serviceYaml(service, "backend")),
    backend(CALLER.namespace),
    backend("far"),
    ...(allInScope ? [scopeYaml()] : []),
  ];
  return [{ name: "mesh.yaml", text: documents.join("---\n") }, ...teams];
}

function serviceYaml({ name, namespace }: Service, app: string): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  selector: { app: ${app} }
  ports:
    - { name: http, port: ${SERVICE_PORT} }
`;
}

function workloadYaml({ name, namespace }: Service, address: string, port: number): string {
  return `apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  address: ${address}
  serviceAccount: ${name}
  labels: { app: ${name} }
  ports: { http: ${port} }
`;
}

function scopeYaml(): string {
  return `apiVersion: weft.mesh/v1alpha1
kind: MeshConfig
metadata: { name: default, namespace: weft-system }
spec:
  scope: { maxServices: ${MAX_SCOPE} }
`;
}
