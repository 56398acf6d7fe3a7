import { expect, test } from "vitest";
import { buildSource } from "./build-source.js";
import { instantiate } from "./configure.js";

/*
 * Each tick changes a part of what the root keeps, wastes more than a collection waits for, and checks that all that is
 * kept is still whole: maps, arrays, arrays of arrays, cycles, strings from pieces, what only a static value refers to.
 */
const SOURCE = `
import { HttpContext, log, NoConfig, registerRoot, RootContext } from "@weft/sdk";

class Node {
  next: Node | null = null;
  constructor(readonly name: string, readonly number: i32) {}
}
const SLOTS = 64;
const kept: StaticArray<Node | null> = new StaticArray<Node | null>(SLOTS);
const texts = new Map<string, string[]>();
let largest: string = "";

class Root extends RootContext<NoConfig> {
  ticks: i32 = 0;
  grid: i32[][] = [];
  ring: Node = new Node("ring", 0);

  onConfigure(): bool {
    this.ring.next = this.ring;
    for (let i = 0; i < SLOTS; i++) this.grid.push([]);
    return true;
  }

  onTick(): void {
    const tick = this.ticks++;
    const slot = tick % SLOTS;
    const row: i32[] = [];
    for (let i = 0; i <= slot; i++) row.push(tick - slot + i);
    this.grid[slot] = row;
    const node = new Node("node " + tick.toString(), tick);
    node.next = kept[slot];
    if (node.next !== null) node.next!.next = null;
    kept[slot] = node;
    const ring = new Node("ring", tick);
    ring.next = this.ring.next;
    this.ring.next = tick % 16 == 0 ? this.ring : ring;
    const list: string[] = [];
    for (let i = 0; i < 4; i++) list.push("text " + (tick * 4 + i).toString());
    texts.set("key " + slot.toString(), list);
    largest = "x".repeat(1 + (tick % 5) * 10000);
    let waste = "";
    for (let i = 0; i < 100; i++) waste += "wasted " + i.toString();
    if (tick % 7 == 0 && !this.isWhole(tick)) log.error("broken at " + tick.toString());
  }

  private isWhole(tick: i32): bool {
    for (let slot = 0; slot < SLOTS && slot <= tick; slot++) {
      const last = slot <= tick % SLOTS ? tick - (tick % SLOTS) + slot : tick - (tick % SLOTS) - SLOTS + slot;
      const node = kept[slot];
      if (node === null || node.number != last || node.name != "node " + last.toString()) return false;
      const before = node.next;
      if (last >= SLOTS && (before === null || before.name != "node " + (last - SLOTS).toString())) return false;
      const row = this.grid[slot];
      if (row.length != slot + 1 || row[slot] != last) return false;
      const list = texts.get("key " + slot.toString());
      for (let i = 0; i < 4; i++) if (list[i] != "text " + (last * 4 + i).toString()) return false;
    }
    let count = 0;
    for (let node = this.ring.next!; node !== this.ring; node = node.next!) if (++count > 16) return false;
    return count == tick % 16 && largest.length == 1 + (tick % 5) * 10000;
  }
}
class Stream extends HttpContext<NoConfig> {}
registerRoot<Stream, Root>("probe");
`;

test("what is kept stays whole, and memory stays bounded", async () => {
  const built = await buildSource({ source: SOURCE });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  const { exports, configure, logs } = instantiate(built.wasm);
  expect(configure("{}").accepted).toBe(true);
  const pages: number[] = [];
  for (let i = 0; i < 700; i++) {
    exports.proxy_on_tick?.(1);
    pages.push(exports.memory.buffer.byteLength / 65536);
  }
  expect(logs()).toEqual([]);
  expect(pages[699]).toBe(pages[350]);
  expect(pages[699]).toBeLessThan(32);
});
