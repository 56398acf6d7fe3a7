import { createCRival } from "./c-rival.js";
import { emptySubject, luaSubject, nativeSubject, wasmSubject } from "./filter-subjects.js";
import { createGcoreRival } from "./gcore-rival.js";
import type { Rival } from "./module.js";
import { buildPluginModule } from "./plugin-module.js";
import { PLUGINS, pluginSubject, ROUTED, routedSubject } from "./plugin-subjects.js";
import { createRustRival } from "./rust-rival.js";
import type { Subject } from "./subject.js";

const BASE = "none";

export interface KindOptions {
  /** How many filters of a kind are in the chain. */
  filters: number;
  /** Where modules of ours are written. */
  outDir: string;
  /** Answers what Envoy sends on. */
  upstreamPort: number;
}

/** Something that can be measured. */
export interface Kind {
  name: string;
  /** What must be measured with it. */
  base?: string;
  /** What must be on this machine. */
  rival?: Rival;
  /** Needs an upstream. */
  routed: boolean;
  subject: (options: KindOptions) => Promise<Subject>;
}

function rivalKind(name: string, what: string, rival: Rival): Kind {
  const subject = async ({ filters }: KindOptions) => wasmSubject(name, BASE, filters, await rival.build(), what);
  return { name, base: BASE, rival, routed: false, subject };
}

/** Everything, in the order of the report. */
export const KINDS: readonly Kind[] = [
  { name: BASE, routed: false, subject: async () => emptySubject(BASE) },
  rivalKind("c", "C without an SDK", createCRival("c", { bare: false })),
  rivalKind("c-bare", "the same, two callbacks only", createCRival("c-bare", { bare: true })),
  rivalKind("rust", "Rust SDK", createRustRival("rust")),
  rivalKind("gcore", "AssemblyScript SDK of Gcore", createGcoreRival("gcore")),
  {
    name: "weft",
    base: BASE,
    routed: false,
    subject: async ({ filters, outDir }) =>
      wasmSubject("weft", BASE, filters, await buildPluginModule("bench/filters/weft", outDir), "our SDK"),
  },
  { name: "native", base: BASE, routed: false, subject: async (o) => nativeSubject("native", BASE, o.filters) },
  { name: "lua", base: BASE, routed: false, subject: async (o) => luaSubject("lua", BASE, o.filters) },
  { name: ROUTED, routed: true, subject: async ({ upstreamPort }) => routedSubject(upstreamPort) },
  ...PLUGINS.map(
    (name): Kind => ({
      name,
      base: ROUTED,
      routed: true,
      subject: ({ upstreamPort, outDir }) => pluginSubject(name, upstreamPort, outDir),
    }),
  ),
];

/** A name that cannot be given, and why. */
export class SelectionError extends Error {
  readonly code = "WRONG_SELECTION";
}

export interface Named {
  readonly name: string;
  readonly base?: string;
}

/** What `--only` and `--without` leave: the named ones, with the bases that they need. */
export function select<T extends Named>(
  kinds: readonly T[],
  { only, without }: { only: readonly string[]; without: readonly string[] },
): T[] {
  const known = kinds.map(({ name }) => name);
  for (const name of [...only, ...without])
    if (!known.includes(name)) throw new SelectionError(`there is no "${name}"; there are ${known.join(", ")}`);
  const names = (only.length === 0 ? known : only).filter((name) => !without.includes(name));
  const needed = kinds.filter(({ name }) => names.includes(name)).map(({ base }) => base);
  const base = without.find((name) => needed.includes(name));
  if (base !== undefined)
    throw new SelectionError(`"${base}" cannot be left out: the others' costs are counted from it`);
  if (names.length === 0) throw new SelectionError("nothing is left to measure");
  return kinds.filter(({ name }) => names.includes(name) || needed.includes(name));
}
