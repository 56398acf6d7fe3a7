/** What the annotation `weft.mesh/status` says, for people and for tools. */
export interface InjectionStatus {
  /** Of this form. */
  readonly version: 1;
  readonly proxyImage: string;
  readonly interception: "redirect";
  readonly capturesDns: boolean;
  /** Probes and hooks that the sidecar asks in the kubelet's place, as `<container>/<probe>`. */
  readonly rewrittenProbes: readonly string[];
}
