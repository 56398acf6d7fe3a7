/** Objects of the stories' apps, whose image is `e2e/cluster/app`. */

export const APP_PORT = 8080;

export interface AppOptions {
  readonly namespace: string;
  readonly name: string;
  /** Said in every answer. Default: the name. */
  readonly message?: string;
  readonly replicas?: number;
  /** More labels of the pods. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A Deployment of the app, under a ServiceAccount of its own. */
export function deployment({
  namespace,
  name,
  message = name,
  replicas = 1,
  labels = {},
  annotations = {},
}: AppOptions): object[] {
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace },
      spec: {
        replicas,
        selector: { matchLabels: { deployment: name } },
        template: {
          metadata: { labels: { app: name, deployment: name, ...labels }, annotations },
          spec: {
            serviceAccountName: name,
            // The app ends at once when it is told to.
            terminationGracePeriodSeconds: 30,
            containers: [
              {
                name: "app",
                image: "weft-test/app:1",
                env: [{ name: "MESSAGE", value: message }],
                ports: [{ containerPort: APP_PORT }],
                readinessProbe: { httpGet: { path: "/ready", port: APP_PORT }, periodSeconds: 1, timeoutSeconds: 10 },
              },
            ],
          },
        },
      },
    },
  ];
}

export function service(
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>> = { app: name },
): object {
  const ports = [{ name: "http", port: 80, targetPort: APP_PORT }];
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { selector, ports } };
}
