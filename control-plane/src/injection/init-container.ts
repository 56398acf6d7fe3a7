import type { InterceptionOptions } from "./interception-options.js";
import { interceptionRules } from "./interception-rules.js";
import type { JsonObject } from "./json.js";
import { INIT_CONTAINER } from "./pod-names.js";

/**
 * Restores the rules, which are its two arguments. By nft where the kernel takes the rules that way, else by the older
 * programs. IPv6 that cannot be intercepted would pass by the mesh: an error where the pod has an address of it that
 * others reach. The sidecar calls its app from ::6, which must be on an interface.
 */
export const RESTORE_SCRIPT = `set -eu
restore() {
  for program in "$1-nft-restore" "$1-legacy-restore" "$1-restore"; do
    command -v "$program" >/dev/null || continue
    if printf '%s' "$2" | "$program" --noflush; then
      echo "weft-init: the rules are in force ($program)"
      return 0
    fi
  done
  return 1
}
has_ipv6_address() {
  while read -r _ _ _ scope _ name; do
    if [ "$scope" = 00 ] && [ "$name" != lo ]; then return 0; fi
  done </proc/net/if_inet6
  return 1
}
restore iptables "$1" || { echo "weft-init: the rules for IPv4 cannot be set" >&2; exit 1; }
if ! read -r _ 2>/dev/null </proc/net/if_inet6; then exit 0; fi
if restore ip6tables "$2" && ip -6 addr replace ::6/128 dev lo; then exit 0; fi
if has_ipv6_address; then
  echo "weft-init: the rules for IPv6 cannot be set, and the pod has an address of it" >&2
  exit 1
fi
echo "weft-init: IPv6 is left alone; the pod has no address of it"
`;

/** The container that sends the pod's traffic to its sidecar. It alone may change the network, and it ends at once. */
export function initContainer(
  interception: InterceptionOptions,
  image: { readonly image: string; readonly imagePullPolicy?: string },
): JsonObject {
  const { ipv4, ipv6 } = interceptionRules(interception);
  return {
    name: INIT_CONTAINER,
    ...image,
    command: ["/bin/sh", "-c", RESTORE_SCRIPT, INIT_CONTAINER],
    args: [ipv4, ipv6],
    // The root file system is read-only, and the older programs want a lock.
    env: [{ name: "XTABLES_LOCKFILE", value: "/dev/shm/xtables.lock" }],
    resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: "RuntimeDefault" },
    },
  };
}
