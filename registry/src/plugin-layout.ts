import type { Descriptor, ImageManifest } from "./manifest.js";
import {
  DOCKER_LAYER_TAR_GZIP,
  DOCKER_MANIFEST,
  OCI_LAYER_TAR_GZIP,
  OCI_MANIFEST,
  SOLO_WASM_CONFIG,
  SOLO_WASM_LAYER,
  TAG_WASM_CONFIG,
  WASM_LAYER,
  WASM_TO_OCI_LAYER,
} from "./media-types.js";

/**
 * The ways in which Wasm filters are published.
 * - `oci-image`: an OCI image whose last layer, tar+gzip, holds plugin.wasm (what we write)
 * - `docker-image`: the same, as `docker build` makes it
 * - `solo`: two layers, configuration and raw module (wasme)
 * - `cncf-wasm`: one raw layer with the configuration of CNCF's TAG Runtime (wkg, Spin)
 * - `wasm-to-oci`: one raw layer as wasm-to-oci makes it
 * - `single-file`: what a plain `oras push` of the module makes
 */
export type PluginLayout = "oci-image" | "docker-image" | "solo" | "cncf-wasm" | "wasm-to-oci" | "single-file";

/** Where a manifest keeps the module. `sniff`: whether it is an archive is seen at the first bytes only. */
export interface LayoutMatch {
  readonly layout: PluginLayout;
  readonly form: "archive" | "raw" | "sniff";
  readonly module: Descriptor;
  /** A layer that is the plugin's manifest; in an archive it is a file. */
  readonly pluginYaml?: Descriptor;
}

export type LayoutCheck =
  | { readonly ok: true; readonly match: LayoutMatch }
  | { readonly ok: false; readonly tried: readonly string[] };

interface LayoutRule {
  readonly layout: PluginLayout;
  /** The match, or why the layout is not this one. */
  readonly test: (manifest: ImageManifest) => Omit<LayoutMatch, "layout"> | string;
}

const TITLE = "org.opencontainers.image.title";
const ARCHIVES: readonly string[] = [OCI_LAYER_TAR_GZIP, DOCKER_LAYER_TAR_GZIP];

const RULES: readonly LayoutRule[] = [
  { layout: "oci-image", test: (manifest) => testImage(manifest, OCI_MANIFEST) },
  { layout: "docker-image", test: (manifest) => testImage(manifest, DOCKER_MANIFEST) },
  {
    layout: "solo",
    test({ layers }) {
      const module = layers.find(({ mediaType }) => mediaType === SOLO_WASM_LAYER);
      const isWhole = layers.length === 2 && layers.some(({ mediaType }) => mediaType === SOLO_WASM_CONFIG);
      if (isWhole && module !== undefined) return { form: "raw", module };
      return `needs two layers, ${SOLO_WASM_CONFIG} and ${SOLO_WASM_LAYER}`;
    },
  },
  {
    layout: "cncf-wasm",
    test({ config, layers: [module, ...more] }) {
      if (config.mediaType !== TAG_WASM_CONFIG) return `needs the configuration ${TAG_WASM_CONFIG}`;
      if (module?.mediaType === WASM_LAYER && more.length === 0) return { form: "raw", module };
      return `needs one layer, ${WASM_LAYER}`;
    },
  },
  {
    layout: "wasm-to-oci",
    test({ layers: [module, ...more] }) {
      if (module?.mediaType === WASM_TO_OCI_LAYER && more.length === 0) return { form: "raw", module };
      return `needs one layer, ${WASM_TO_OCI_LAYER}`;
    },
  },
  { layout: "single-file", test: testSingleFile },
];

/** The layout of an image, or for each layout why it is not that one. */
export function checkLayout(manifest: ImageManifest): LayoutCheck {
  const tried: string[] = [];
  for (const { layout, test } of RULES) {
    const result = test(manifest);
    if (typeof result !== "string") return { ok: true, match: { layout, ...result } };
    tried.push(`${layout} ${result}`);
  }
  return { ok: false, tried };
}

function testImage({ mediaType, layers }: ImageManifest, wanted: string): Omit<LayoutMatch, "layout"> | string {
  const module = layers.at(-1);
  if (mediaType !== wanted) return `needs a manifest of type ${wanted}`;
  if (module !== undefined && ARCHIVES.includes(module.mediaType)) return { form: "archive", module };
  return `needs a last layer of type ${wanted === OCI_MANIFEST ? OCI_LAYER_TAR_GZIP : DOCKER_LAYER_TAR_GZIP}`;
}

function testSingleFile({ layers }: ImageManifest): Omit<LayoutMatch, "layout"> | string {
  const titleOf = ({ annotations }: Descriptor): string => annotations?.[TITLE] ?? "";
  const pluginYaml = layers.find((layer) => titleOf(layer) === "plugin.yaml");
  const others = layers.filter((layer) => layer !== pluginYaml);
  const modules = others.filter((layer) => layer.mediaType === WASM_LAYER || titleOf(layer).endsWith(".wasm"));
  const yaml = pluginYaml === undefined ? {} : { pluginYaml };
  const [module] = modules;
  if (module !== undefined && modules.length === 1) return { form: "raw", module, ...yaml };
  const [only] = others;
  if (only !== undefined && others.length === 1) return { form: "sniff", module: only, ...yaml };
  return `needs one layer of type ${WASM_LAYER} or titled *.wasm, and has ${modules.length}`;
}
