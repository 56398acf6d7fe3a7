import type { ProxyClient } from "../model/proxy.js";
import { decodeDeltaRequest } from "./codec.js";
import { decodeWorldRequest } from "./world-codec.js";

/**
 * Which proxy the first request of a stream says that it is: `<namespace>/<name>` of a node id
 * `sidecar~<address>~<name>.<namespace>~<domain>`; undefined where the node id is another one. Nothing proves it, so
 * this is for the plaintext port of tools and benchmarks alone.
 *
 * @throws Error (code XDS_MALFORMED_REQUEST) if these are not the bytes of a request.
 */
export function claimedProxy(protocol: ProxyClient["kind"], message: Uint8Array): string | undefined {
  const { nodeId } = protocol === "incremental" ? decodeDeltaRequest(message) : decodeWorldRequest(message);
  const [kind, , workload = ""] = nodeId.split("~");
  const dot = workload.lastIndexOf(".");
  return kind === "sidecar" && dot > 0 ? `${workload.slice(dot + 1)}/${workload.slice(0, dot)}` : undefined;
}
