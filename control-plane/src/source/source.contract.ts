import { describe, expect, test } from "vitest";
import { compareStrings } from "../model/compare.js";
import { formatObjectRef } from "../model/object-ref.js";
import type { SourceBatch } from "./source.js";
import { broken, createStart, rule, type SourceHarness } from "./source-harness.contract.js";
import { SourceProbe } from "./source-probe.js";

/** What every source promises. */
export function sourceContract(name: string, createHarness: () => Promise<SourceHarness>): void {
  describe(`source contract: ${name}`, () => {
    const start = createStart(createHarness);

    test("tells all that is there in one batch, which ends with ready", async () => {
      const { first, probe } = await start({
        "b.yaml": rule("b", "backend"),
        "a.yml": `${rule("a", "auth")}---\n${rule("c", "frontend")}`,
      });
      expect(applied(first)).toEqual([
        "DestinationRule default/a",
        "DestinationRule default/b",
        "DestinationRule default/c",
      ]);
      expect(first.at(-1)).toEqual({ kind: "ready" });
      expect(probe.diagnostics).toEqual([]);
      expect(first.filter(({ kind }) => kind === "diagnostics")).toHaveLength(1);
    });

    test("is ready when there is nothing", async () => {
      const { first } = await start();
      expect(first.map(({ kind }) => kind)).toEqual(["diagnostics", "ready"]);
    });

    test("tells what comes, changes and goes, and nothing else", async () => {
      const { harness, probe } = await start({ "a.yaml": rule("a", "auth"), "b.yaml": rule("b", "backend") });
      await harness.write({ "c.yaml": rule("c", "frontend") });
      expect(await probe.next()).toMatchObject([{ kind: "apply", ref: { name: "c" } }]);
      await harness.write({ "a.yaml": rule("a", "other") });
      expect(await probe.next()).toMatchObject([
        { kind: "apply", object: { value: { host: "other.default.svc.cluster.local" } } },
      ]);
      await harness.write({ "b.yaml": undefined });
      expect(await probe.next()).toEqual([
        { kind: "delete", ref: { kind: "DestinationRule", namespace: "default", name: "b" } },
      ]);
    });

    test("keeps the last good value of an object that is wrong, and applies the rest of its file", async () => {
      const { harness, probe } = await start({ "a.yaml": `${rule("a", "auth")}---\n${rule("b", "backend")}` });
      await harness.write({ "a.yaml": `${broken("a")}---\n${rule("b", "changed")}` });
      // Where objects are written one by one they may come one by one.
      await probe.until(
        () => probe.diagnostics.length > 0 && probe.hostOf("b") === "changed.default.svc.cluster.local",
      );
      expect(probe.deletes).toBe(0);
      expect(probe.hostOf("a")).toBe("auth.default.svc.cluster.local");
      expect(probe.diagnostics).toMatchObject([
        { reason: "MissingField", field: "spec.host", object: { name: "a" } },
        { reason: "UnknownField", field: "spec.hosts", object: { name: "a" }, hint: "did you mean host?" },
      ]);
      await harness.write({ "a.yaml": `${rule("a", "mended")}---\n${rule("b", "changed")}` });
      await probe.until(() => probe.diagnostics.length === 0);
      expect(probe.hostOf("a")).toBe("mended.default.svc.cluster.local");
    });

    test("does not apply an object that never was right", async () => {
      const { harness, probe } = await start({ "a.yaml": broken("a") });
      expect(probe.names()).toEqual([]);
      await harness.write({ "a.yaml": rule("a", "auth") });
      await probe.until(() => probe.names().length === 1);
      expect(probe.diagnostics).toEqual([]);
    });

    test("refuses a second consumer, and serves the next after the first has left", async () => {
      const { harness, probe } = await start({ "a.yaml": rule("a", "auth") });
      await expect(new SourceProbe(harness.source).next()).rejects.toMatchObject({ code: "already-watched" });
      await probe.close();
      const again = new SourceProbe(harness.source);
      expect(applied(await again.next())).toEqual(["DestinationRule default/a"]);
      await again.close();
    });
  });
}

function applied(batch: SourceBatch): string[] {
  return batch.flatMap((event) => (event.kind === "apply" ? [formatObjectRef(event.ref)] : [])).sort(compareStrings);
}
