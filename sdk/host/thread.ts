import type { RootContext } from "./context.js";
import { HostError } from "./errors.js";
import type { LoadedModule } from "./module.js";
import type { Plugin } from "./plugin.js";
import type { Services } from "./services.js";
import { Vm } from "./vm.js";

/** A thread of Envoy: its VM, and one root context per plugin configuration. */
export class Thread {
  readonly name: string;
  readonly #module: LoadedModule;
  readonly #services: Services;
  readonly #roots = new Map<string, RootContext>();
  #vm: Vm;
  #loadedAtNs: bigint;

  constructor(name: string, module: LoadedModule, services: Services) {
    this.name = name;
    this.#module = module;
    this.#services = services;
    this.#vm = new Vm(module, services, name);
    this.#loadedAtNs = services.clock.monotonicNs;
  }

  get vm(): Vm {
    return this.#vm;
  }

  /** Creates, starts and configures the plugin's root; HostError START or CONFIGURE where it refuses. */
  start(plugin: Plugin): void {
    const vm = this.#vm;
    const root = vm.addRoot(plugin);
    // Envoy asks what the callback returned, and no more: a trap in malloc goes by, and closes every stream later.
    const failed = (): string => {
      const logged = vm.logged.map(({ message }) => message).join("; ");
      return vm.failure ?? `it returned false${logged === "" ? "" : `: ${logged}`}`;
    };
    root.configuration = plugin.config;
    vm.callback(root, "proxy_on_context_create", [0]);
    root.configuration = undefined;
    root.created = true;
    const started = vm.callback(root, "proxy_on_vm_start", [this.#services.vmConfig.length]);
    if (started === 0) {
      throw new HostError("START", `plugin ${plugin.name}: proxy_on_vm_start failed: ${failed()}`);
    }
    root.configuration = plugin.config;
    const configured = vm.callback(root, "proxy_on_configure", [plugin.config.length]);
    root.configuration = undefined;
    if (configured === 0) {
      throw new HostError("CONFIGURE", `plugin ${plugin.name}: proxy_on_configure failed: ${failed()}`);
    }
    this.#roots.set(plugin.name, root);
  }

  /** The root for a new stream; a VM that trapped is replaced first where the policy says so and the time has come. */
  root(plugin: Plugin): RootContext | undefined {
    if (this.#vm.failure !== undefined && plugin.failurePolicy === "FAIL_RELOAD") this.#reload(plugin);
    const root = this.#roots.get(plugin.name);
    return this.#vm.failure !== undefined && plugin.failurePolicy === "FAIL_OPEN" ? undefined : root;
  }

  /** Ends the roots: done, then delete unless done returned false. */
  shutDown(): void {
    for (const root of this.#roots.values()) {
      const done = this.#vm.callback(root, "proxy_on_done", []);
      if (done === 0) this.#vm.pendingDone.add(root);
      else {
        this.#vm.callback(root, "proxy_on_delete", []);
        this.#vm.contexts.delete(root.id);
      }
    }
    this.#roots.clear();
    this.#vm.ticks.stop();
  }

  #reload(plugin: Plugin): void {
    const now = this.#services.clock.monotonicNs;
    if (now - this.#loadedAtNs < BigInt(plugin.reloadIntervalMs) * 1_000_000n) return;
    this.#loadedAtNs = now;
    const plugins = [...this.#roots.values()].map((root) => root.rootPlugin);
    this.#vm = new Vm(this.#module, this.#services, this.name);
    for (const one of plugins) this.start(one);
  }
}
