/**
 * A question of the kubelet to the app, which its sidecar asks in the kubelet's place: the kubelet is no member of the
 * mesh, so under STRICT mTLS it could not ask itself.
 */
export interface AppProbe {
  /** `<container>/<what asks>`, for example `web/readinessProbe`; once in a pod. */
  readonly name: string;
  readonly target: AppProbeTarget;
}

export type AppProbeTarget =
  | {
      readonly kind: "http";
      readonly port: number;
      /** With its query. */
      readonly path: string;
      /** The app speaks TLS; its certificate is not looked at, as the kubelet doesn't. */
      readonly tls?: { readonly serverName?: string };
    }
  /** These two are asked again and again, and the kubelet is told the last answer. */
  | { readonly kind: "tcp"; readonly port: number; readonly rhythm: ProbeRhythm }
  | { readonly kind: "grpc"; readonly port: number; readonly service: string; readonly rhythm: ProbeRhythm };

export interface ProbeRhythm {
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
}

/** The path at which the kubelet asks the sidecar. */
export function appProbePath({ name }: AppProbe): string {
  return `/app/${name}`;
}
