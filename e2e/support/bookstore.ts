import { cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { addressBlock, freePort } from "./ports.js";
import { kill, processesOf } from "./processes.js";
import { type Answer, get } from "./requests.js";
import { waitFor } from "./wait-for.js";
import { ROOT, type RunningWeft, startWeft } from "./weft.js";

/** What the page shows of ratings, reviews and details; `unavailable` has the status of what could not be had. */
export interface Ratings {
  readonly instance?: string;
  readonly colour?: string;
  readonly unavailable?: number;
}
export interface Page {
  readonly user: string;
  readonly details: { readonly author?: string; readonly unavailable?: number };
  readonly reviews: { readonly version?: string; readonly ratings?: Ratings; readonly unavailable?: number };
}

/** `examples/bookstore` in a folder of its own, with addresses and ports of its own, run by `weft up`. */
export interface Bookstore {
  readonly up: RunningWeft;
  /** Writes a file of the folder, as its user would. */
  write(file: string, yaml: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** The page of the book, as a reader gets it. */
  page(headers?: Readonly<Record<string, string>>): Promise<Page>;
  /** Asks the app of a workload without the mesh. */
  app(workload: string, path: string): Promise<Answer>;
  /** Asks a service as the app of a workload would: through the sidecar beside it. */
  callAs(workload: string, service: string, path?: string): Promise<Answer>;
  /** A metric of a workload's sidecar, the sum over the lines that have all of these texts. */
  metric(workload: string, name: string, ...labels: readonly string[]): Promise<number>;
  stop(): Promise<void>;
}

interface MeshDocument {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly address: string; readonly ports: { readonly http: number } };
}

const EXAMPLE_BLOCK = "127.0.2";
const END_LIMIT_MS = 15_000;

export async function startBookstore(): Promise<Bookstore> {
  const root = await realpath(await mkdtemp(join(tmpdir(), "weft-bookstore-")));
  const folder = join(root, "bookstore");
  await cp(join(ROOT, "examples", "bookstore"), folder, { recursive: true, filter: (path) => !path.endsWith(".weft") });
  const block = addressBlock();
  let yaml = (await readFile(join(folder, "mesh.yaml"), "utf8")).replaceAll(`${EXAMPLE_BLOCK}.`, `${block}.`);
  for (const [line] of yaml.matchAll(/ports: \{ http: \d+ \}/g))
    yaml = yaml.replace(line, `ports: { http: ${await freePort()} }`);
  await writeFile(join(folder, "mesh.yaml"), yaml);
  const places = new Map(
    parseAllDocuments(yaml)
      .map((document) => document.toJS() as MeshDocument)
      .filter(({ kind }) => kind === "WorkloadEntry")
      .map(({ metadata, spec }) => [metadata.name, { address: spec.address, port: spec.ports.http }]),
  );
  const placeOf = (workload: string) => {
    const place = places.get(workload);
    if (place === undefined) throw new Error(`no workload ${workload}`);
    return place;
  };
  const up = startWeft("up", folder, "--registry-port", String(await freePort()));
  const stop = async () => {
    up.signal("SIGINT");
    const end = Date.now() + END_LIMIT_MS;
    await waitFor("the mesh to end", async () =>
      (await processesOf(root)).length === 0 || Date.now() > end ? true : undefined,
    );
    for (const { pid } of await processesOf(root)) kill(pid);
    await rm(root, { recursive: true, force: true });
  };
  try {
    await up.printed(new RegExp(`ready .*${places.size} workloads in sync`));
    for (const [name, { port }] of places)
      await waitFor(`the app of ${name}`, () =>
        get({ host: "127.0.0.1", port, path: "/seen" }).then(
          () => true,
          () => undefined,
        ),
      );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    up,
    write: (file, text) => writeFile(join(folder, file), text),
    remove: (file) => rm(join(folder, file)),
    page: async (headers = {}) => {
      const { status, body } = await get({ host: placeOf("productpage").address, port: 8080, headers });
      if (status !== 200) throw new Error(`the page answered ${status}: ${body}`);
      return JSON.parse(body) as Page;
    },
    app: (workload, path) => get({ host: "127.0.0.1", port: placeOf(workload).port, path }),
    callAs: (workload, service, path = "/") =>
      get({ host: placeOf(workload).address, port: 15001, path, headers: { host: `${service}:8080` } }),
    metric: async (workload, name, ...labels) => {
      const { body } = await get({ host: placeOf(workload).address, port: 15090, path: "/stats/prometheus" });
      return body
        .split("\n")
        .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    stop,
  };
}
