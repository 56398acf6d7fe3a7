import { Context } from "./contexts";

const INITIAL = 32;

/** Contexts by their id, which is never 0: open addressing, so that a look-up is an array access. */
export class ContextTable {
  private ids: StaticArray<u32> = new StaticArray<u32>(INITIAL);
  private contexts: StaticArray<Context | null> = new StaticArray<Context | null>(INITIAL);
  private mask: u32 = INITIAL - 1;
  private count: u32 = 0;

  get(id: u32): Context | null {
    const slot = this.find(id);
    return this.ids[slot] == id ? this.contexts[slot] : null;
  }

  set(id: u32, context: Context): void {
    if (this.count << 1 >= this.mask) this.grow();
    const slot = this.find(id);
    if (this.ids[slot] != id) this.count++;
    this.ids[slot] = id;
    this.contexts[slot] = context;
  }

  delete(id: u32): void {
    let hole = this.find(id);
    if (this.ids[hole] != id) return;
    this.count--;
    // What was pushed along by the one that leaves moves back.
    let slot = hole;
    while (true) {
      slot = (slot + 1) & this.mask;
      const next = this.ids[slot];
      if (next == 0) break;
      const home = next & this.mask;
      if (((slot - home) & this.mask) < ((slot - hole) & this.mask)) continue;
      this.ids[hole] = next;
      this.contexts[hole] = this.contexts[slot];
      hole = slot;
    }
    this.ids[hole] = 0;
    this.contexts[hole] = null;
  }

  /* The id's slot, or the free one where it belongs. */
  private find(id: u32): u32 {
    let slot = id & this.mask;
    while (true) {
      const found = this.ids[slot];
      if (found == id || found == 0) return slot;
      slot = (slot + 1) & this.mask;
    }
  }

  private grow(): void {
    const ids = this.ids;
    const contexts = this.contexts;
    const size = ids.length << 1;
    this.ids = new StaticArray<u32>(size);
    this.contexts = new StaticArray<Context | null>(size);
    this.mask = <u32>size - 1;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (id == 0) continue;
      const slot = this.find(id);
      this.ids[slot] = id;
      this.contexts[slot] = contexts[i];
    }
  }
}
