const INITIAL = 32;

/** What the host knows by a number. */
export abstract class Entry {
  /** The host's number; never 0. */
  id: u32 = 0;
}

/** Entries by their number: open addressing, so that a look-up is an array access. */
export class IdTable {
  private ids: StaticArray<u32> = new StaticArray<u32>(INITIAL);
  private entries: StaticArray<Entry | null> = new StaticArray<Entry | null>(INITIAL);
  private mask: u32 = INITIAL - 1;
  private count: u32 = 0;

  get(id: u32): Entry | null {
    return unchecked(this.entries[this.find(id)]);
  }

  set(id: u32, entry: Entry): void {
    if (this.count << 1 >= this.mask) this.grow();
    entry.id = id;
    const slot = this.find(id);
    if (unchecked(this.ids[slot]) != id) this.count++;
    this.put(slot, id, entry);
  }

  delete(id: u32): void {
    let hole = this.find(id);
    if (unchecked(this.ids[hole]) != id) return;
    this.count--;
    // What was pushed along by the one that leaves moves back.
    let slot = hole;
    while (true) {
      slot = (slot + 1) & this.mask;
      const next = unchecked(this.ids[slot]);
      if (next == 0) break;
      const home = next & this.mask;
      if (((slot - home) & this.mask) < ((slot - hole) & this.mask)) continue;
      this.put(hole, next, unchecked(this.entries[slot]));
      hole = slot;
    }
    this.put(hole, 0, null);
  }

  private put(slot: u32, id: u32, entry: Entry | null): void {
    const ids = this.ids;
    const entries = this.entries;
    // biome-ignore-start lint/suspicious/noAssignInExpressions: the slot is within both
    unchecked((ids[slot] = id));
    unchecked((entries[slot] = entry));
    // biome-ignore-end lint/suspicious/noAssignInExpressions: the slot is within both
  }

  /* The id's slot, or the free one where it belongs. */
  private find(id: u32): u32 {
    let slot = id & this.mask;
    while (true) {
      const found = unchecked(this.ids[slot]);
      if (found == id || found == 0) return slot;
      slot = (slot + 1) & this.mask;
    }
  }

  private grow(): void {
    const ids = this.ids;
    const entries = this.entries;
    const size = ids.length << 1;
    this.ids = new StaticArray<u32>(size);
    this.entries = new StaticArray<Entry | null>(size);
    this.mask = <u32>size - 1;
    for (let i = 0; i < ids.length; i++) {
      const id = unchecked(ids[i]);
      if (id != 0) this.put(this.find(id), id, unchecked(entries[i]));
    }
  }
}
