// The programs of a cluster and their configuration: one node, everything on it, as it is outside of tests but for the
// credentials, which are tokens, and for control groups, which are not divided by classes of pods.
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PAUSE_IMAGE } from "./images.mjs";

export const NODE_NAME = "node1";
const API_PORT = 6443;

/** Where distributions put the CNI plugins. */
const CNI_FOLDERS = ["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];

export function cniFolder() {
  return CNI_FOLDERS.find((folder) => existsSync(join(folder, "bridge")));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Writes the configuration of all daemons, and each as a script `daemons/<name>`.
 * @param {{folder: string, subnet: string, address: string, cgroup: string}} place
 * @param {(name: string) => string} program
 * @returns {{url: string, kubeconfig: string, token: string, ca: string}} `ca` is to be written when the API server has made `certificates/apiserver.crt`
 */
export function writeDaemons({ folder, subnet, address, cgroup }, program) {
  const at = (...parts) => join(folder, ...parts);
  const write = (name, text) => writeFileSync(at(name), text, { mode: 0o600 });
  const daemon = (name, command) =>
    writeFileSync(at("daemons", name), `#!/bin/sh\nexec ${command.map(quoted).join(" ")}\n`, { mode: 0o755 });
  const net = { services: `${subnet}.0.0/20`, pods: `${subnet}.128.0/18` };

  const etcd = "http://127.0.0.1:2379";
  daemon("etcd", [
    ...[program("etcd"), "--data-dir", at("etcd"), "--unsafe-no-fsync", "--log-level", "warn"],
    ...["--listen-client-urls", etcd, "--advertise-client-urls", etcd],
  ]);

  const admin = randomBytes(16).toString("hex");
  const node = randomBytes(16).toString("hex");
  write(
    "tokens.csv",
    `${admin},admin,admin,"system:masters"\n${node},system:node:${NODE_NAME},${NODE_NAME},"system:nodes"\n`,
  );
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  write("service-accounts.key", privateKey.export({ type: "pkcs1", format: "pem" }));
  const url = `https://${address}:${API_PORT}`;
  daemon("kube-apiserver", [
    ...[program("kube-apiserver"), "--etcd-servers", etcd, "--cert-dir", at("certificates")],
    ...["--bind-address", "0.0.0.0", "--secure-port", String(API_PORT), "--advertise-address", address],
    ...["--service-cluster-ip-range", net.services, "--authorization-mode", "Node,RBAC"],
    ...["--enable-admission-plugins", "NodeRestriction", "--token-auth-file", at("tokens.csv"), "--allow-privileged"],
    ...["--service-account-issuer", "https://kubernetes.default.svc.cluster.local"],
    ...["--service-account-key-file", at("service-accounts.key")],
    ...["--service-account-signing-key-file", at("service-accounts.key")],
    ...["--kubelet-preferred-address-types", "InternalIP", "--profiling=false"],
  ]);

  const ca = at("ca.crt");
  const kubeconfig = (token) =>
    // JSON is YAML.
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "weft-test", cluster: { server: url, "certificate-authority": ca } }],
      users: [{ name: "weft-test", user: { token } }],
      contexts: [{ name: "weft-test", context: { cluster: "weft-test", user: "weft-test" } }],
      "current-context": "weft-test",
    });
  write("kubeconfig", kubeconfig(admin));
  write("kubelet.kubeconfig", kubeconfig(node));

  daemon("kube-controller-manager", [
    ...[program("kube-controller-manager"), "--kubeconfig", at("kubeconfig"), "--leader-elect=false"],
    ...["--service-account-private-key-file", at("service-accounts.key"), "--root-ca-file", ca],
    ...["--use-service-account-credentials", "--cluster-cidr", net.pods, "--bind-address", "127.0.0.1"],
  ]);
  daemon("kube-scheduler", [
    ...[program("kube-scheduler"), "--kubeconfig", at("kubeconfig"), "--leader-elect=false"],
    ...["--bind-address", "127.0.0.1"],
  ]);
  daemon("kube-proxy", [
    ...[program("kube-proxy"), "--kubeconfig", at("kubeconfig"), "--hostname-override", NODE_NAME],
    ...["--proxy-mode", "iptables", "--cluster-cidr", net.pods, "--iptables-min-sync-period", "100ms"],
    // These two are settings of the whole machine.
    ...["--conntrack-max-per-core", "0", "--conntrack-tcp-timeout-established", "0"],
  ]);

  mkdirSync(at("cni"));
  write(
    "cni/10-bridge.conflist",
    JSON.stringify({
      cniVersion: "0.4.0",
      name: "weft-test",
      plugins: [
        {
          type: "bridge",
          bridge: "cni0",
          isGateway: true,
          ipMasq: true,
          hairpinMode: true,
          ipam: { type: "host-local", ranges: [[{ subnet: net.pods }]], routes: [{ dst: "0.0.0.0/0" }] },
        },
        { type: "portmap", capabilities: { portMappings: true } },
      ],
    }),
  );
  write(
    "containerd.toml",
    `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Where we may not lower it, every pod would fail.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniFolder()}"
    conf_dir = "${at("cni")}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`,
  );
  daemon("containerd", ["containerd", "--config", at("containerd.toml")]);

  write(
    "kubelet.yaml",
    JSON.stringify({
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
      authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
      authorization: { mode: "AlwaysAllow" },
      clusterDNS: [address],
      clusterDomain: "cluster.local",
      resolvConf: "",
      cgroupDriver: "cgroupfs",
      cgroupRoot: `/${cgroup}`,
      cgroupsPerQOS: false,
      enforceNodeAllocatable: [],
      failCgroupV1: false,
      failSwapOn: false,
      localStorageCapacityIsolation: false,
      // The machine's disk is not ours to tidy up.
      evictionHard: { "memory.available": "100Mi" },
      imageGCHighThresholdPercent: 100,
      imageGCLowThresholdPercent: 99,
      volumePluginDir: "/var/lib/kubelet/volume-plugins",
      syncFrequency: "10s",
      serializeImagePulls: false,
    }),
  );
  daemon("kubelet", [
    ...[program("kubelet"), "--kubeconfig", at("kubelet.kubeconfig"), "--config", at("kubelet.yaml")],
    ...["--node-ip", address, "--hostname-override", NODE_NAME],
  ]);

  write(
    "Corefile",
    `.:53 {
  bind ${address}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${at("kubeconfig")} weft-test
    pods insecure
    ttl 5
  }
}
`,
  );
  daemon("coredns", [program("coredns"), "-conf", at("Corefile")]);
  return { url, kubeconfig: at("kubeconfig"), token: admin, ca };
}

/** What this machine lacks for a cluster, each as the name of a Debian package. */
export function missingPackages() {
  const found = (name) => {
    try {
      execFileSync("/bin/sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  return [
    ["containerd", "containerd"],
    ["runc", "runc"],
    ["iptables", "iptables"],
    ["ip", "iproute2"],
    ["nsenter", "util-linux"],
  ]
    .filter(([name]) => !found(name))
    .map(([, debianPackage]) => debianPackage)
    .concat(cniFolder() === undefined ? ["containernetworking-plugins"] : []);
}
