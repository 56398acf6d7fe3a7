/**
 * Some of those who answer for a Service, as the cluster knows them.
 * https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
 */
export interface EndpointSlice {
  readonly namespace: string;
  readonly name: string;
  /** Host of the Service. */
  readonly host: string;
  readonly family: "IPv4" | "IPv6";
  /** Name of the Service's port → the port at each address. */
  readonly ports: Readonly<Record<string, number>>;
  /** Those that take requests; in the order of the object. */
  readonly endpoints: readonly SliceEndpoint[];
}

export interface SliceEndpoint {
  readonly address: string;
  /** It is about to end and still answers: it is for those who find nobody else. */
  readonly isLeaving: boolean;
  /** Key of the Pod that has the address. */
  readonly pod?: string;
}
