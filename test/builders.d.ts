import type { DestinationRule } from "../control-plane/src/model/destination-rule.js";
import type { MeshSettings } from "../control-plane/src/model/mesh-settings.js";
import type { ModuleState, ServedPlugin } from "../control-plane/src/model/module-state.js";
import type { Plugin } from "../control-plane/src/model/plugin.js";
import type { PluginManifest } from "../control-plane/src/model/plugin-manifest.js";
import { type Service } from "../control-plane/src/model/service.js";
import type { VirtualService } from "../control-plane/src/model/virtual-service.js";
import type { Workload } from "../control-plane/src/model/workload.js";
/** Values of the model with defaults, for tests: say only what the test is about. */
export declare const settings: MeshSettings;
export declare function mkService(name: string, over?: Partial<Service>): Service;
export declare function mkWorkload(name: string, over?: Partial<Workload>): Workload;
export declare function mkDestinationRule(
  name: string,
  subsets: readonly string[],
  over?: Partial<DestinationRule>,
): {
  namespace: string;
  name: string;
  host: string;
  subsets:
    | {
        name: string;
        labels: {
          version: string;
        };
      }[]
    | readonly import("../control-plane/src/model/destination-rule.js").Subset[];
};
export declare function mkVirtualService(name: string, weights: Readonly<Record<string, number>>): VirtualService;
export declare function mkPlugin(name: string, over?: Partial<Plugin>): Plugin;
export declare function mkManifest(name: string, over?: Partial<PluginManifest>): PluginManifest;
export declare function mkServed(name: string, over?: Partial<ServedPlugin>): ServedPlugin;
export declare function ready(name: string, over?: Partial<ServedPlugin>): ModuleState;
//# sourceMappingURL=builders.d.ts.map
