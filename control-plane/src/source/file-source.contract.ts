import { describe, expect, test } from "vitest";
import type { ApplyEvent } from "./source.js";
import { broken, createStart, rule, type SourceHarness } from "./source-harness.contract.js";

/** What every source of files promises. */
export function fileSourceContract(name: string, createHarness: () => Promise<SourceHarness>): void {
  describe(`contract of sources of files: ${name}`, () => {
    const start = createStart(createHarness);

    test("tells the file, the line and the lines of fields", async () => {
      const { first } = await start({ "a.yaml": `# a comment\n${rule("a", "auth")}---\n${rule("c", "frontend")}` });
      const [a, c] = first.filter((event): event is ApplyEvent => event.kind === "apply");
      expect([a?.file, a?.line, c?.file, c?.line]).toEqual(["a.yaml", 2, "a.yaml", 8]);
      expect(a?.lineOfField?.("spec.host")).toBe(6);
      expect(c?.lineOfField?.("spec.host")).toBe(12);
      expect(c?.lineOfField?.("spec.subsets[3].name")).toBe(11);
    });

    test("keeps the same object while its value is the same", async () => {
      const { harness, probe, first } = await start({ "a.yaml": rule("a", "auth") });
      await harness.write({ "a.yaml": `# moved down\n\n${rule("a", "auth")}` });
      const second = await probe.next();
      const [before, after] = [first[0], second[0]] as [ApplyEvent, ApplyEvent];
      expect(after.line).toBe(3);
      expect(after.object).toBe(before.object);
    });

    test("keeps a file's objects in force while it does not parse", async () => {
      const { harness, probe } = await start({ "a.yaml": rule("a", "auth"), "b.yaml": rule("b", "backend") });
      await harness.write({ "a.yaml": `${rule("a", "other")}  bad: [1,\nworse: }` });
      expect(await probe.next()).toMatchObject([{ kind: "diagnostics" }]);
      expect(probe.diagnostics[0]).toMatchObject({ severity: "error", reason: "SyntaxError", file: "a.yaml", line: 7 });
      await harness.write({ "a.yaml": rule("a", "auth") });
      expect(await probe.next()).toEqual([{ kind: "diagnostics", diagnostics: [] }]);
      expect(probe.names()).toEqual(["a", "b"]);
    });

    test.each([
      ["its kind is misspelt", rule("b", "backend").replace("DestinationRule", "DestinationRul"), "UnknownKind"],
      ["its name is gone", rule("b", "backend").replace("name: b", ""), "MissingField"],
      ["it is no object", "just text\n", "NotAnObject"],
    ])("keeps an object in force when %s", async (_, text, reason) => {
      const { harness, probe } = await start({ "a.yaml": `${rule("a", "auth")}---\n${rule("b", "backend")}` });
      await harness.write({ "a.yaml": `${rule("a", "auth")}---\n${text}` });
      await probe.until(() => probe.diagnostics.length > 0);
      expect(probe.diagnostics.map((diagnostic) => diagnostic.reason)).toContain(reason);
      expect(probe.names()).toEqual(["a", "b"]);
      await harness.write({ "a.yaml": rule("a", "auth") });
      await probe.until(() => probe.names().length === 1);
      expect(probe.diagnostics).toEqual([]);
    });

    test("of two files that define an object the first by name wins at first, and the other takes over", async () => {
      const { harness, probe } = await start({ "b.yaml": rule("x", "second"), "a.yaml": rule("x", "first") });
      expect(probe.hostOf("x")).toBe("first.default.svc.cluster.local");
      expect(probe.diagnostics).toMatchObject([
        { reason: "DuplicateObject", file: "b.yaml", line: 1, object: { kind: "DestinationRule", name: "x" } },
      ]);
      expect(probe.diagnostics[0]?.message).toContain("a.yaml:1");
      expect(probe.diagnostics[0]?.message).toContain("b.yaml:1");
      await harness.write({ "a.yaml": undefined });
      await probe.until(() => probe.hostOf("x") === "second.default.svc.cluster.local");
      expect(probe.diagnostics).toEqual([]);
      expect(probe.deletes).toBe(0);
    });

    test("of two files that define an object the one in force stays, whatever its name", async () => {
      const { harness, probe } = await start({ "b.yaml": rule("x", "second") });
      await harness.write({ "a.yaml": rule("x", "first") });
      await probe.until(() => probe.diagnostics.length === 1);
      expect(probe.diagnostics[0]).toMatchObject({ reason: "DuplicateObject", file: "a.yaml" });
      expect(probe.hostOf("x")).toBe("second.default.svc.cluster.local");
      await harness.write({ "b.yaml": rule("x", "changed") });
      await probe.until(() => probe.hostOf("x") === "changed.default.svc.cluster.local");
      await harness.write({ "b.yaml": rule("y", "backend") });
      await probe.until(() => probe.hostOf("x") === "first.default.svc.cluster.local");
      expect(probe.names()).toEqual(["x", "y"]);
      expect(probe.diagnostics).toEqual([]);
    });

    test("a file that defines an object twice keeps to the first", async () => {
      const { probe } = await start({ "a.yaml": `${rule("x", "first")}---\n${rule("x", "second")}` });
      expect(probe.hostOf("x")).toBe("first.default.svc.cluster.local");
      expect(probe.diagnostics).toMatchObject([{ reason: "DuplicateObject", file: "a.yaml", line: 7 }]);
    });

    test("an object that moves to another file is never gone", async () => {
      const { harness, probe } = await start({ "a.yaml": rule("x", "backend"), "b.yaml": rule("y", "auth") });
      await harness.write({ "a.yaml": undefined, "c.yaml": rule("x", "backend") });
      await probe.until(() => probe.fileOf("x") === "c.yaml");
      expect(probe.deletes).toBe(0);
      await harness.write({ "c.yaml": undefined, "d.yaml": broken("x") });
      await probe.until(() => probe.fileOf("x") === "d.yaml");
      expect(probe.deletes).toBe(0);
      expect(probe.hostOf("x")).toBe("backend.default.svc.cluster.local");
    });

    test("names kinds that it leaves alone, and does not hold up anything for them", async () => {
      const { harness, probe } = await start({
        "a.yaml": `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\n${rule("a", "auth")}`,
      });
      expect(probe.diagnostics).toMatchObject([{ severity: "warning", reason: "UnsupportedKind", line: 2 }]);
      await harness.write({ "a.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n" });
      await probe.until(() => probe.names().length === 0);
    });

    test("bounds what it reads", async () => {
      const { probe } = await start({
        "a.yaml": `# ${"x".repeat(5 * 1024 * 1024)}\n${rule("a", "auth")}`,
        "b.yaml": rule("b", "auth"),
      });
      expect(probe.diagnostics).toMatchObject([{ reason: "TooLarge", file: "a.yaml" }]);
      expect(probe.names()).toEqual(["b"]);
    });
  });
}
