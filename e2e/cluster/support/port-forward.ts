import { spawn } from "node:child_process";
import { ENVIRONMENT, place } from "./cluster.js";

export interface PortForward {
  /** Of 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

/** Makes a port of a Service one of this machine. */
export function portForward(namespace: string, target: string, port: number): Promise<PortForward> {
  const args = ["--kubeconfig", place.kubeconfig, "port-forward", "-n", namespace, target, `:${port}`];
  const child = spawn(process.env.WEFT_KUBECTL ?? "kubectl", args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: ENVIRONMENT,
  });
  const closed = new Promise<void>((done) => child.once("close", () => done()));
  let printed = "";
  return new Promise((done, fail) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        printed += text;
        const [, local] = /Forwarding from 127\.0\.0\.1:(\d+)/.exec(printed) ?? [];
        if (local === undefined) return;
        const close = () => {
          child.kill();
          return closed;
        };
        done({ port: Number(local), close });
      });
    child.once("error", fail);
    child.once("close", () => fail(new Error(`kubectl port-forward ended: ${printed}`)));
  });
}
