import { Status } from "./status.js";

interface Entry {
  value: Uint8Array;
  cas: number;
}

/** Key-value data of all VMs with the same vm_id, whatever thread they are on. */
export class SharedData {
  readonly #byVm = new Map<string, Map<string, Entry>>();
  #nextCas = 1;

  get(vmId: string, key: string): Entry | undefined {
    return this.#byVm.get(vmId)?.get(key);
  }

  /** A cas of 0 always writes; another one must be the present one, but inserts where there is no entry. */
  set(vmId: string, key: string, value: Uint8Array, cas = 0): number {
    const entries = this.#byVm.get(vmId) ?? new Map<string, Entry>();
    this.#byVm.set(vmId, entries);
    const existing = entries.get(key);
    if (existing !== undefined && cas !== 0 && cas !== existing.cas) return Status.CasMismatch;
    entries.set(key, { value: Uint8Array.from(value), cas: this.#nextCas });
    this.#nextCas = this.#nextCas === 0xffff_ffff ? 1 : this.#nextCas + 1;
    return Status.Ok;
  }

  /** Keys of a VM, sorted. */
  keys(vmId: string): string[] {
    return [...(this.#byVm.get(vmId)?.keys() ?? [])].sort();
  }
}
