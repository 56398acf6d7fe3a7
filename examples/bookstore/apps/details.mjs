// Author and pages. /slow takes its time. /curious asks ratings, which is none of its business.
import { setTimeout as sleep } from "node:timers/promises";
import { call, serve } from "./call.mjs";

const SLOW_MS = 1000;

serve(async ({ url, headers }) => {
  if (url === "/curious") return { value: { ratings: (await call("ratings", "/", headers)).status } };
  if (url === "/slow") await sleep(SLOW_MS);
  return { value: { author: "A. Weaver", pages: 104 } };
});
