import { afterEach } from "vitest";
import type { Source } from "./source.js";
import { SourceProbe } from "./source-probe.js";

/** A source under test, and the hands that change what it reads: objects, written as files with YAML. */
export interface SourceHarness {
  readonly source: Source;
  /** Writes files, or removes those whose text is undefined. */
  write(texts: Readonly<Record<string, string | undefined>>): Promise<void>;
  close(): Promise<void>;
}

/** YAML of a DestinationRule. */
export const rule = (name: string, host: string) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec:
  host: ${host}
`;

/** YAML of one that is refused. */
export const broken = (name: string) => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}}
spec:
  hosts: backend
`;

/** For the tests of one `describe`: gives what starts a source with some files; each is closed after its test. */
export function createStart(createHarness: () => Promise<SourceHarness>) {
  const open: { harness: SourceHarness; probe: SourceProbe }[] = [];

  const start = async (texts: Readonly<Record<string, string>> = {}) => {
    const harness = await createHarness();
    await harness.write(texts);
    const probe = new SourceProbe(harness.source);
    open.push({ harness, probe });
    const first = await probe.next();
    return { harness, probe, first };
  };

  afterEach(async () => {
    for (const { harness, probe } of open.splice(0)) {
      await probe.close();
      await harness.close();
    }
  });
  return start;
}
