import { expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { readDocuments } from "./documents.js";
import { DEFAULT_LIMITS } from "./limits.js";

vi.mock("yaml", async (original) => {
  const yaml = await original<typeof import("yaml")>();
  return { ...yaml, parseAllDocuments: vi.fn(yaml.parseAllDocuments) };
});

test("a message about each of a thousand objects of a file reads it once more, not a thousand times", () => {
  const count = 1000;
  const service = (name: string) =>
    `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ port: 80 }] }\n`;
  const text = Array.from({ length: count }, (_, index) => service(`s${index}`)).join("---\n");
  const parse = vi.mocked(parseAllDocuments);
  const { objects } = readDocuments(text, "many.yaml", {
    standalone: true,
    limits: { ...DEFAULT_LIMITS, maxDocuments: count },
  });
  expect(objects).toHaveLength(count);
  expect(parse).toHaveBeenCalledTimes(1);
  const ask = () => objects.map(({ lineOfField }) => lineOfField("spec.ports[0].port"));
  const lines = ask();
  expect(parse).toHaveBeenCalledTimes(2);
  expect(lines.slice(0, 2)).toEqual([4, 9]);
  expect(ask()).toEqual(lines);
  expect(parse).toHaveBeenCalledTimes(2);
});
