import { describe, expect, it } from "vitest";
import { readConfigDump } from "./config-dump.js";
import { routeMatchText, routeTargetText } from "./route-rows.js";
import { PARTS, partCells, proxyConfig } from "./tables.js";

const type = (name: string) => `type.googleapis.com/envoy.${name}`;
const section = (name: string, parts: object) => ({ "@type": type(`admin.v3.${name}`), ...parts });
const manager = (config: object) => ({
  name: "envoy.filters.network.http_connection_manager",
  typed_config: {
    "@type": type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
    http_filters: [{ name: "weft/in/8080/authz" }, { name: "envoy.filters.http.router" }],
    ...config,
  },
});

const DUMP = {
  configs: [
    section("ListenersConfigDump", {
      static_listeners: [
        {
          listener: {
            name: "health",
            address: { socket_address: { address: "127.0.1.1", port_value: 15021 } },
            filter_chains: [{ filters: [manager({ route_config: { name: "health" } })] }],
          },
        },
      ],
      dynamic_listeners: [
        {
          name: "inbound|8080",
          error_state: { details: "refused for a reason" },
          active_state: {
            version_info: "abc",
            listener: {
              name: "inbound|8080",
              address: { socket_address: { address: "::1", port_value: 8080 } },
              filter_chains: [
                {
                  filter_chain_match: {
                    transport_protocol: "tls",
                    server_names: ["*.weft.mesh"],
                    destination_port: 80,
                  },
                  transport_socket: {
                    typed_config: {
                      "@type": type("extensions.transport_sockets.tls.v3.DownstreamTlsContext"),
                      require_client_certificate: true,
                    },
                  },
                  filters: [manager({ rds: { route_config_name: "inbound|8080" } })],
                },
              ],
              default_filter_chain: {
                filters: [
                  {
                    name: "tcp",
                    typed_config: {
                      "@type": type("extensions.filters.network.tcp_proxy.v3.TcpProxy"),
                      weighted_clusters: {
                        clusters: [
                          { name: "a", weight: 9 },
                          { name: "b", weight: 1 },
                        ],
                      },
                    },
                  },
                ],
              },
            },
          },
        },
      ],
    }),
    section("RoutesConfigDump", {
      dynamic_route_configs: [
        {
          version_info: "r1",
          route_config: {
            name: "outbound|15001",
            virtual_hosts: [
              {
                name: "web:80",
                domains: ["web"],
                routes: [
                  {
                    name: "web-0",
                    match: { prefix: "/" },
                    route: {
                      weighted_clusters: {
                        clusters: [
                          { name: "v1", weight: 90 },
                          { name: "v2", weight: 10 },
                        ],
                      },
                      timeout: "3s",
                      retry_policy: { num_retries: 2 },
                      request_mirror_policies: [{ cluster: "shadow" }],
                    },
                    typed_per_filter_config: { "envoy.filters.http.fault": {} },
                  },
                ],
              },
            ],
          },
        },
      ],
    }),
    section("ClustersConfigDump", {
      static_clusters: [{ cluster: { name: "xds", type: "STATIC" } }],
      dynamic_active_clusters: [
        {
          version_info: "c1",
          cluster: {
            name: "outbound|80||web",
            type: "EDS",
            lb_policy: "RING_HASH",
            circuit_breakers: { thresholds: [{ max_connections: 4_294_967_295, max_pending_requests: 7 }] },
            outlier_detection: { consecutive_5xx: 3 },
            transport_socket_matches: [
              {
                transport_socket: {
                  typed_config: {
                    "@type": type("extensions.transport_sockets.tls.v3.UpstreamTlsContext"),
                    common_tls_context: { tls_certificate_sds_secret_configs: [{ name: "default" }] },
                  },
                },
              },
              { transport_socket: { typed_config: { "@type": type("raw_buffer.v3.RawBuffer") } } },
            ],
          },
        },
      ],
    }),
    section("EcdsConfigDump", {
      ecds_filters: [
        {
          ecds_filter: {
            name: "weft/out/15001/stats",
            typed_config: { "@type": type("filter_chain.v3.FilterChainConfig") },
          },
        },
        {
          ecds_filter: {
            name: "weft/in/8080/authz",
            typed_config: {
              "@type": type("filter_chain.v3.FilterChainConfig"),
              filters: [
                {
                  name: "default.guard",
                  typed_config: {
                    "@type": type("extensions.filters.http.wasm.v3.Wasm"),
                    config: {
                      root_id: "guard",
                      vm_config: { vm_id: "default/guard/1" },
                      failure_policy: "FAIL_RELOAD",
                    },
                  },
                },
              ],
            },
          },
        },
      ],
    }),
  ],
};

const CLUSTERS = {
  cluster_statuses: [
    {
      name: "outbound|80||web",
      host_statuses: [
        {
          address: { socket_address: { address: "10.0.0.2", port_value: 80 } },
          health_status: { eds_health_status: "HEALTHY", failed_outlier_check: true },
          stats: [{ name: "rq_total", value: "12" }, { name: "rq_error", value: "5" }, { name: "cx_active" }],
          locality: { region: "eu", zone: "a" },
          weight: 3,
        },
        {
          address: { socket_address: { address: "10.0.0.1", port_value: 80 } },
          health_status: { eds_health_status: "HEALTHY" },
        },
      ],
    },
  ],
};

describe("a proxy's configuration as tables", () => {
  const config = proxyConfig(readConfigDump(DUMP), CLUSTERS);

  it("has a line for each filter chain, with what it wants and where it leads", () => {
    expect(partCells("listeners", config)).toEqual([
      ["LISTENER", "ADDRESS", "STATE", "SECURITY", "MATCH", "TARGET"],
      ["health", "127.0.1.1:15021", "static", "plaintext", "any", "routes health"],
      ["inbound|8080", "[::1]:8080", "active", "mTLS", "port 80, SNI *.weft.mesh, tls", "routes inbound|8080"],
      ["inbound|8080", "[::1]:8080", "active", "plaintext", "any", "cluster a 9, cluster b 1"],
    ]);
    expect(config.listeners[1]?.filters).toEqual([
      "envoy.filters.network.http_connection_manager",
      "weft/in/8080/authz",
      "envoy.filters.http.router",
    ]);
  });

  it("has routes with weights and policies", () => {
    expect(partCells("routes", config).slice(1)).toEqual([
      ["outbound|15001", "web:80", "web-0", "/*", "v1 90, v2 10", "timeout 3s, retries 2, mirror shadow, fault"],
    ]);
  });

  it("counts endpoints that can be chosen, and says why one cannot", () => {
    expect(partCells("clusters", config).slice(1)).toEqual([
      [
        "outbound|80||web",
        "EDS",
        "RING_HASH",
        "1/2",
        "mTLS where the endpoint has it",
        "at most 7 pending, ejection after 3 5xx",
      ],
      ["xds", "STATIC", "ROUND_ROBIN", "0/0", "plaintext", "-"],
    ]);
    expect(partCells("endpoints", config).slice(1)).toEqual([
      ["outbound|80||web", "10.0.0.1:80", "HEALTHY", "1", "0", "-", "0", "0", "0"],
      ["outbound|80||web", "10.0.0.2:80", "EJECTED", "3", "0", "eu/a", "0", "12", "5"],
    ]);
  });

  it("shows slots in order, with the plugins in them, and empty ones", () => {
    expect(partCells("filters", config).slice(1)).toEqual([
      ["weft/in/8080/authz", "1", "default.guard", "Wasm", "root guard, vm default/guard/1, FAIL_RELOAD"],
      ["weft/out/15001/stats", "-", "empty", "-", "-"],
    ]);
  });

  it.each([
    ["nothing", undefined],
    ["a list", []],
    [
      "sections of other shapes",
      { configs: [1, null, { "@type": 7 }, section("ListenersConfigDump", { static_listeners: {} })] },
    ],
    ["a resource of nothing", { configs: [section("ClustersConfigDump", { static_clusters: [null, {}] })] }],
  ])("makes do with %s", (_, dump) => {
    const odd = proxyConfig(readConfigDump(dump), dump);
    for (const part of PARTS) expect(partCells(part, odd).length).toBeGreaterThan(0);
  });

  it("lets nothing from a proxy move the terminal's cursor", () => {
    const dump = {
      configs: [section("ClustersConfigDump", { static_clusters: [{ cluster: { name: "a\u001b[2J" } }] })],
    };
    expect(partCells("clusters", proxyConfig(readConfigDump(dump), undefined))[1]?.[0]).not.toContain("\u001b");
  });
});

describe("what a route says", () => {
  it.each([
    [{ path: "/a" }, "/a"],
    [{ path_separated_prefix: "/a" }, "/a[/*]"],
    [{ safe_regex: { regex: "/a.*" } }, "~/a.*"],
    [{ prefix: "/", headers: [{ name: ":method", string_match: { exact: "GET" } }] }, "GET /*"],
    [{ prefix: "/", headers: [{ name: "x-a", present_match: true, invert_match: true }] }, "/* !x-a"],
    [{ prefix: "/", headers: [{ name: "x-a", string_match: { prefix: "b" } }] }, "/* x-a=b*"],
    [{ prefix: "/", query_parameters: [{ name: "q", string_match: { exact: "1" } }] }, "/* ?q=1"],
    [{ prefix: "/", filter_state: [{ key: "k", string_match: { exact: "v2" } }] }, "/* {k=v2}"],
  ])("%j matches %s", (match, expected) => expect(routeMatchText(match)).toBe(expected));

  it.each([
    [{ route: { cluster: "a" } }, "a"],
    [{ route: { cluster_header: "x" } }, "cluster named by x"],
    [{ direct_response: { status: 404 } }, "answer 404"],
    [{ redirect: { host_redirect: "b", path_redirect: "/c" } }, "redirect b /c"],
    [{}, "nothing"],
  ])("%j leads to %s", (route, expected) => expect(routeTargetText(route)).toBe(expected));
});
