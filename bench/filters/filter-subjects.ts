import { httpListener, type RunningEnvoy, send, wasmFilter } from "../../test/envoy-static.js";
import type { Module } from "./module.js";
import { LISTENER, type Subject } from "./subject.js";

const HEADERS = { "x-in": "a" };
const TYPE = "type.googleapis.com/envoy.extensions.filters.http";

const LUA = `function envoy_on_request(handle)
  local value = handle:headers():get("x-in")
end
function envoy_on_response(handle)
  handle:headers():add("x-out", "from-plugin")
end`;

/** Envoy without a filter, which answers by itself. */
export function emptySubject(name: string): Subject {
  return subject({ name, what: "Envoy without filters", filters: [] });
}

/** Envoy's own filter. It adds the header and reads none. */
export function nativeSubject(name: string, base: string, count: number): Subject {
  const append = { header: { key: "x-out", value: "from-plugin" } };
  const mutations = { response_mutations: [{ append }] };
  const config = { "@type": `${TYPE}.header_mutation.v3.HeaderMutation`, mutations };
  const filters = repeat(count, (filter) => ({ name: filter, typed_config: config }));
  return subject({ name, what: "Envoy's header_mutation", base, filters });
}

export function luaSubject(name: string, base: string, count: number): Subject {
  const config = { "@type": `${TYPE}.lua.v3.Lua`, default_source_code: { inline_string: LUA } };
  const filters = repeat(count, (filter) => ({ name: filter, typed_config: config }));
  return subject({ name, what: "Envoy's Lua", base, filters });
}

/** All filters are one VM's, as those of one plugin are in the mesh. The code is a file, so that its size is no part
 * of the configuration that Envoy keeps. */
export function wasmSubject(name: string, base: string, count: number, module: Module, what: string): Subject {
  const filters = repeat(count, (filter) =>
    wasmFilter({ wasm: module.path, name: filter, rootId: "bench", vmId: "bench" }),
  );
  return { ...subject({ name, what, base, filters }), module };
}

function repeat(count: number, make: (name: string) => object): object[] {
  return Array.from({ length: count }, (_, i) => make(`filter-${i + 1}`));
}

function subject(options: { name: string; what: string; base?: string; filters: readonly object[] }): Subject {
  const { filters } = options;
  return {
    ...options,
    filters: filters.length,
    headers: HEADERS,
    resources: { listeners: [httpListener({ name: LISTENER, filters })] },
    check: (envoy) => check(envoy, filters.length),
  };
}

async function check(envoy: RunningEnvoy, filters: number): Promise<void> {
  const answer = await send({ port: envoy.ports.get(LISTENER) ?? 0, headers: HEADERS });
  if (answer.status !== 200) throw new Error(`the answer is ${answer.status}, not 200:\n${envoy.log()}`);
  const added = String(answer.headers["x-out"] ?? "")
    .split(",")
    .filter((value) => value.trim() === "from-plugin").length;
  if (added !== filters) throw new Error(`${added} of ${filters} filters added their header`);
}
