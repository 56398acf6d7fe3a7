import { afterAll, beforeAll, expect, it } from "vitest";
import { type Bookstore, type Page, startBookstore } from "./support/bookstore.js";
import { waitFor } from "./support/wait-for.js";

// What a mesh does for traffic, shown on the page of a book. Each step is a file of YAML that is written while the mesh
// runs, and what readers then see.
let store: Bookstore;

beforeAll(async () => {
  store = await startBookstore();
});
afterAll(() => store?.stop());

const JASON = { "x-user": "jason" };

const virtualService = (host: string, http: string) => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${host} }
spec:
  hosts: [${host}]
  http:${http}`;

const SUBSETS = `
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets:
    - { name: v1, labels: { version: v1 } }
    - { name: v2, labels: { version: v2 } }
    - { name: v3, labels: { version: v3 } }
`;

/** Says where reviews are read from now on. */
const reviews = (http: string) => store.write("reviews.yaml", virtualService("reviews", http) + SUBSETS);
const ratings = (http: string) => store.write("ratings.yaml", virtualService("ratings", http));

/** Asks for the page until it is as it should be: a change takes a moment. */
function pageIs(what: string, isSo: (page: Page) => boolean, headers: Record<string, string> = {}): Promise<Page> {
  let last: Page | undefined;
  const ask = async () => {
    last = await store.page(headers);
    return isSo(last) ? last : undefined;
  };
  return waitFor(what, ask, { seen: () => `${JSON.stringify(last)}\n${store.up.output()}` });
}

/** How often each version is read in two hundred requests. */
async function versions(headers: Record<string, string> = {}): Promise<Record<string, number>> {
  const counts: Record<string, number> = { v1: 0, v2: 0, v3: 0 };
  for (let i = 0; i < 20; i++)
    for (const { reviews } of await Promise.all(Array.from({ length: 10 }, () => store.page(headers))))
      counts[reviews.version ?? "none"] = (counts[reviews.version ?? "none"] ?? 0) + 1;
  return counts;
}

it("1. everybody reads reviews v1, which has no stars", async () => {
  const { reviews } = await pageIs("a page with author", ({ details }) => details.author === "A. Weaver");
  expect(reviews).toMatchObject({ version: "v1" });
  expect(await versions()).toEqual({ v1: 200, v2: 0, v3: 0 });
});

it("2. jason, by a header, reads v2 with black stars; all others go on with v1", async () => {
  await reviews(`
    - match: [{ headers: { x-user: { exact: jason } } }]
      route: [{ destination: { host: reviews, subset: v2 } }]
    - route: [{ destination: { host: reviews, subset: v1 } }]
`);
  const page = await pageIs("jason to read v2", (page) => page.reviews.version === "v2", JASON);
  expect(page.reviews.ratings).toMatchObject({ colour: "black" });
  expect(await versions(JASON)).toEqual({ v1: 0, v2: 200, v3: 0 });
  expect((await versions()).v1).toBe(200);
});

// Bounds that no other share of this walk would keep, five standard deviations from the mean.
it.each([
  ["3. half of the readers", 50, [65, 135]],
  ["4. one in five", 20, [12, 64]],
] as const)("%s get v3 with red stars", async (_, weight, [least, most]) => {
  await reviews(`
    - route:
        - { destination: { host: reviews, subset: v1 }, weight: ${100 - weight} }
        - { destination: { host: reviews, subset: v3 }, weight: ${weight} }
`);
  let counts: Record<string, number> = {};
  await waitFor(
    `between ${least} and ${most} of 200 for v3`,
    async () => {
      counts = await versions();
      const v3 = counts.v3 ?? 0;
      return v3 >= least && v3 <= most ? true : undefined;
    },
    { seen: () => JSON.stringify(counts) },
  );
  expect(counts).toMatchObject({ v2: 0 });
  expect((counts.v1 ?? 0) + (counts.v3 ?? 0)).toBe(200);
});

it("5. ratings are two seconds late for jason, and for nobody else", async () => {
  await reviews(`
    - route: [{ destination: { host: reviews, subset: v2 } }]
`);
  await pageIs("all to read v2", (page) => page.reviews.version === "v2");
  const delays = () => store.metric("reviews-v2", "envoy_http_fault_delays_injected");
  await ratings(`
    - match: [{ headers: { x-user: { exact: jason } } }]
      fault: { delay: { fixedDelay: 2s, percentage: { value: 100 } } }
      route: [{ destination: { host: ratings } }]
    - route: [{ destination: { host: ratings } }]
`);
  let tookMs = 0;
  await waitFor("jason to wait", async () => {
    const began = performance.now();
    expect((await store.page(JASON)).reviews.ratings).toMatchObject({ colour: "black" });
    tookMs = performance.now() - began;
    return (await delays()) > 0 ? true : undefined;
  });
  expect(tookMs).toBeGreaterThanOrEqual(1990);
  const before = await delays();
  for (let i = 0; i < 5; i++) expect((await store.page()).reviews.ratings).toMatchObject({ colour: "black" });
  expect(await delays()).toBe(before);
});

it("6. ratings fail for jason, whose page goes without stars", async () => {
  await ratings(`
    - match: [{ headers: { x-user: { exact: jason } } }]
      fault: { abort: { httpStatus: 500, percentage: { value: 100 } } }
      route: [{ destination: { host: ratings } }]
    - route: [{ destination: { host: ratings } }]
`);
  const page = await pageIs("jason to see no stars", (page) => page.reviews.ratings?.unavailable === 500, JASON);
  expect(page.reviews.version).toBe("v2");
  expect((await store.page()).reviews.ratings).toMatchObject({ colour: "black" });
  await store.remove("ratings.yaml");
  await pageIs("jason's stars to be back", (page) => page.reviews.ratings?.colour === "black", JASON);
});

it("7. v3 gets a copy of every request, and its answers are ignored", async () => {
  const seen = async () => JSON.parse((await store.app("reviews-v3", "/seen")).body).seen as number;
  await reviews(`
    - route: [{ destination: { host: reviews, subset: v1 } }]
      mirror: { host: reviews, subset: v3 }
      mirrorPercentage: { value: 100 }
`);
  const start = await seen();
  await waitFor("a copy to arrive", async () => {
    await store.page();
    return (await seen()) > start ? true : undefined;
  });
  const [before, counts] = [await seen(), await versions()];
  expect(counts).toEqual({ v1: 200, v2: 0, v3: 0 });
  // Copies of the requests before may still be on their way, so there may be a few more.
  await waitFor("all copies", async () => ((await seen()) >= before + 200 ? true : undefined));
});

it("8. readers wait for reviews half a second at most", async () => {
  await ratings(`
    - fault: { delay: { fixedDelay: 10s, percentage: { value: 100 } } }
      route: [{ destination: { host: ratings } }]
`);
  await reviews(`
    - timeout: 0.5s
      route: [{ destination: { host: reviews, subset: v2 } }]
`);
  const page = await pageIs("reviews to be given up", (page) => page.reviews.unavailable === 504);
  expect(page.details.author).toBe("A. Weaver");
  await store.remove("ratings.yaml");
  await reviews(`
    - route: [{ destination: { host: reviews, subset: v2 } }]
`);
  await pageIs("reviews to be back", (page) => page.reviews.ratings?.colour === "black");
});

it("9. what does not fit into the connection pool of details is refused at once, and counted", async () => {
  await store.write(
    "details.yaml",
    `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: details }
spec:
  host: details
  trafficPolicy:
    connectionPool:
      tcp: { maxConnections: 1 }
      http: { http1MaxPendingRequests: 1 }
`,
  );
  const overflow = () =>
    store.metric("productpage", "envoy_cluster_upstream_rq_pending_overflow", "outbound|8080||details_default_");
  const statuses = await waitFor("the pool to be too small", async () => {
    const crowd = Array.from({ length: 8 }, () => store.callAs("productpage", "details", "/slow"));
    const list = (await Promise.all(crowd)).map(({ status }) => status);
    return list.includes(503) ? list : undefined;
  });
  expect(new Set(statuses)).toEqual(new Set([200, 503]));
  expect(await overflow()).toBeGreaterThan(0);
  await store.remove("details.yaml");
  await waitFor("the limit to be gone", async () => {
    const crowd = Array.from({ length: 8 }, () => store.callAs("productpage", "details", "/slow"));
    return (await Promise.all(crowd)).every(({ status }) => status === 200) ? true : undefined;
  });
});

it("10. an instance of ratings that fails is left out, and taken back when it is well", async () => {
  await store.write(
    "ratings.yaml",
    `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ratings }
spec:
  host: ratings
  trafficPolicy:
    loadBalancer: { simple: ROUND_ROBIN }
    outlierDetection:
      consecutive5xxErrors: 2
      interval: 0.2s
      baseEjectionTime: 1s
      maxEjectionPercent: 50
`,
  );
  const instances = async () => {
    const pages = [];
    for (let i = 0; i < 10; i++) pages.push(await store.page());
    return new Set(pages.map(({ reviews }) => reviews.ratings?.instance ?? reviews.ratings?.unavailable));
  };
  const ejected = () =>
    store.metric("reviews-v2", "envoy_cluster_outlier_detection_ejections_active", "outbound|8080||ratings_default_");
  expect(await instances()).toEqual(new Set(["a", "b"]));

  await store.app("ratings-b", "/break");
  await waitFor("b to be left out", async () => {
    const seen = await instances();
    return seen.size === 1 && seen.has("a") && (await ejected()) === 1 ? true : undefined;
  });
  await store.app("ratings-b", "/mend");
  await waitFor("b to be taken back", async () => ((await instances()).has("b") ? true : undefined));
  expect(await ejected()).toBe(0);
  expect(await instances()).toEqual(new Set(["a", "b"]));
});

it("11. productpage may read reviews, reviews may ask ratings, and details may not", async () => {
  const curious = async () =>
    JSON.parse((await store.callAs("productpage", "details", "/curious")).body).ratings as number;
  expect(await curious()).toBe(200);
  const mayCall = (caller: string, service: string) => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${service} }
spec:
  selector: { matchLabels: { app: ${service} } }
  action: ALLOW
  rules:
    - from: [{ source: { principals: [cluster.local/ns/default/sa/${caller}] } }]
`;
  await store.write("policies.yaml", `${mayCall("productpage", "reviews")}---\n${mayCall("reviews", "ratings")}`);
  await waitFor("details to be refused", async () => ((await curious()) === 403 ? true : undefined));
  for (let i = 0; i < 10; i++) {
    expect(await curious()).toBe(403);
    expect((await store.page()).reviews).toMatchObject({ version: "v2", ratings: { colour: "black" } });
  }
  await waitFor("details to be refused by reviews, too", async () =>
    (await store.callAs("details", "reviews")).status === 403 ? true : undefined,
  );
});
