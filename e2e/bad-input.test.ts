import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMeshFolder, type MeshFolder, type Status } from "./support/mesh-folder.js";
import { type Answer, get, type Load, startLoad } from "./support/requests.js";
import { waitFor } from "./support/wait-for.js";
import type { RunningWeft } from "./support/weft.js";

interface Mistake {
  readonly what: string;
  /** Makes the mistake; returns how it is mended. */
  readonly make: (mesh: MeshFolder) => Promise<() => Promise<void>>;
  readonly object: { readonly kind: string; readonly name: string };
  /** What a line of the terminal has: file and line, object and field, reason, what to do. */
  readonly told: readonly (string | RegExp)[];
  /** A condition in the status of the object, as `type=status reason`. */
  readonly condition: string;
  /** What the message of the condition or one of the diagnostics beside it has. */
  readonly says: readonly (string | RegExp)[];
  /** In the terminal, when it is mended. */
  readonly solved: RegExp;
}

const ROUTE = { kind: "VirtualService", name: "echo" };
const COPY = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: echo }
spec:
  hosts: [echo]
  http:
    - route: [{ destination: { host: echo, subset: v1 } }]
`;

const edit = (file: string, from: string, to: string) => (mesh: MeshFolder) => mesh.edit(`mesh/${file}`, from, to);

const MISTAKES: readonly Mistake[] = [
  {
    what: "a file that does not parse",
    make: edit("traffic.yaml", "hosts: [echo]", "hosts: [echo"),
    object: ROUTE,
    told: [/traffic\.yaml:1[45]: /, /Flow sequence .* must .* end with a \]/, "(SyntaxError)", "Fix: correct the YAML"],
    condition: "Accepted=False SyntaxError",
    says: [/traffic\.yaml:1[45]: .*Fix: correct the YAML/],
    solved: /solved: traffic\.yaml:1[45]: .*SyntaxError/,
  },
  {
    what: "a field that there is not",
    make: edit("traffic.yaml", "weight: 100", "wieght: 100"),
    object: ROUTE,
    told: [
      "traffic.yaml:18: ",
      "VirtualService default/echo spec.http[0].route[0].wieght: ",
      "is not a field",
      "(UnknownField)",
      "Fix: did you mean weight?",
    ],
    condition: "Accepted=False UnknownField",
    says: [/traffic\.yaml:18: .*wieght.*Fix: did you mean weight\?/],
    solved: /solved: traffic\.yaml:18: .*UnknownField/,
  },
  {
    what: "a subset that no DestinationRule has",
    make: edit("traffic.yaml", "subset: v2", "subset: v3"),
    object: ROUTE,
    told: [
      "traffic.yaml:17: ",
      "VirtualService default/echo spec.http[0].route[0].destination.subset: ",
      "no DestinationRule for echo.default.svc.cluster.local has a subset v3",
      "(SubsetNotFound)",
      "Fix: use one that exists (v1, v2)",
    ],
    condition: "Accepted=False SubsetNotFound",
    says: [/traffic\.yaml:17: .*subset v3.*Fix: use one that exists/],
    solved: /solved: traffic\.yaml:17: .*SubsetNotFound/,
  },
  {
    what: "weights of nothing",
    make: edit(
      "traffic.yaml",
      "weight: 100",
      "weight: 0\n        - destination: { host: echo, subset: v1 }\n          weight: 0",
    ),
    object: ROUTE,
    told: [
      "traffic.yaml:16: ",
      "VirtualService default/echo spec.http[0].route: ",
      "has no weight at all",
      "(WeightSum)",
      "Fix: give weights",
    ],
    condition: "Accepted=False WeightSum",
    says: [/traffic\.yaml:16: .*no weight at all.*Fix: give weights/],
    solved: /solved: traffic\.yaml:16: .*WeightSum/,
  },
  {
    what: "an image that there is not",
    make: edit("hello.yaml", "hello:0.1.0", "hello:9.9.9"),
    object: { kind: "WasmPlugin", name: "hello" },
    told: [
      "hello.yaml:5: ",
      "WasmPlugin default/hello spec.url: ",
      'plugins/hello has no manifest "9.9.9"',
      "(NotFound)",
      "check the repository and the tag",
      "the last good version stays in force",
    ],
    condition: "Resolved=False NotFound",
    says: ['no manifest "9.9.9"', "check the repository and the tag"],
    solved: /WasmPlugin default\/hello.*solved/,
  },
  {
    what: "two files with the same object",
    make: async ({ folder }) => {
      // By name it comes first; what is in force stays all the same.
      const path = join(folder, "a-copy.yaml");
      await writeFile(path, COPY);
      return () => rm(path);
    },
    object: ROUTE,
    told: [
      "a-copy.yaml:1: ",
      "VirtualService default/echo: ",
      "is defined in a-copy.yaml:1 and in traffic.yaml:10; the latter is in force",
      "(DuplicateObject)",
      "Fix: remove one of them",
    ],
    condition: "Accepted=False DuplicateObject",
    says: [/a-copy\.yaml:1.*traffic\.yaml:10.*Fix: remove one of them/],
    solved: /solved: a-copy\.yaml:1: .*DuplicateObject/,
  },
];

let mesh: MeshFolder;
let up: RunningWeft;
let load: Load;

/** As it was before any mistake: v2 answers, and the plugin runs. */
function judge({ status, headers, body }: Answer): string | undefined {
  const seen = `${status} ${body} ${headers["x-hello"]}`;
  return seen === "200 v2 hello, tester" ? undefined : seen;
}

beforeAll(async () => {
  mesh = await createMeshFolder();
  up = mesh.up("--plugins", mesh.pluginsDir);
  await up.printed(/ready .*2 workloads in sync/);
  await waitFor("an answer as it should be", () =>
    get(mesh.requestFrom(mesh.v1)).then(
      (answer) => (judge(answer) === undefined ? true : undefined),
      () => undefined,
    ),
  );
  load = startLoad(mesh.requestFrom(mesh.v1), judge);
});
afterAll(async () => {
  await load?.stop();
  await mesh?.remove();
});

const has = (text: string, part: string | RegExp) => (typeof part === "string" ? text.includes(part) : part.test(text));

/** Sends some more requests, so that there was time for a fault to show. */
async function moreRequests(): Promise<void> {
  const wanted = load.sent + 10;
  await waitFor("ten more requests", () => (load.sent >= wanted ? true : undefined));
}

describe("a mistake in the folder of a mesh that runs is told, and takes nothing away:", () => {
  it.each(MISTAKES)("$what", async ({ make, object: { kind, name }, told, condition, says, solved }) => {
    const begin = up.mark();
    const linesSince = () => up.output().slice(begin).split("\n");
    const mend = await make(mesh);
    try {
      const line = await waitFor(
        `a line with ${told.join(" ")}`,
        () => linesSince().find((candidate) => told.every((part) => has(candidate, part))),
        { limitMs: 30_000, seen: () => linesSince().join("\n") },
      );
      expect(line).toMatch(/^! /);
      let seen: Status | undefined;
      await waitFor(
        `the status of ${kind} ${name} with ${condition} and ${says.join(" ")}`,
        async () => {
          seen = await mesh.status(kind, name);
          const found = seen?.conditions.find((c) => `${c.type}=${c.status} ${c.reason}` === condition);
          if (found === undefined) return undefined;
          const texts = [found.message, ...(seen?.diagnostics ?? [])];
          return texts.some((text) => says.every((part) => has(text, part))) ? true : undefined;
        },
        { limitMs: 30_000, seen: () => JSON.stringify(seen, undefined, 2) },
      );
      await moreRequests();
      expect(load.faults).toEqual([]);
    } finally {
      await mend();
    }
    await up.printed(solved, begin);
    await waitFor(`the status of ${kind} ${name} without a fault`, async () => {
      const status = await mesh.status(kind, name);
      const isFine = status?.conditions.every((c) => c.status === (c.type === "Degraded" ? "False" : "True"));
      return isFine && status?.diagnostics === undefined ? true : undefined;
    });
    await moreRequests();
    expect(load.faults).toEqual([]);
  });

  it("and what is right afterwards is taken", async () => {
    await load.stop();
    const back = await mesh.edit(
      "mesh/traffic.yaml",
      "subset: v2 }\n          weight",
      "subset: v1 }\n          weight",
    );
    await waitFor("v1 to answer", async () =>
      (await get(mesh.requestFrom(mesh.v1))).body === "v1" ? true : undefined,
    );
    await back();
    await waitFor("v2 to answer", async () =>
      (await get(mesh.requestFrom(mesh.v1))).body === "v2" ? true : undefined,
    );
  });
});
