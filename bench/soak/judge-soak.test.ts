import { expect, test } from "vitest";
import { judgeSoak } from "./judge-soak.js";

const good = {
  pagesEarly: 4,
  pagesLate: 4,
  allocatedEarly: 1,
  allocatedLate: 1,
  residentEarly: 100_000_000,
  residentLate: 105_000_000,
  sent: 1000,
  failed: 0,
};

test.each([
  ["nothing has grown", {}, [true, true, true]],
  ["the VM has one page more", { pagesLate: 5 }, [false, true, true]],
  ["Envoy has no metric of the VM", { pagesEarly: Number.NaN, pagesLate: Number.NaN }, [false, true, true]],
  ["the metric is 0 both times", { pagesEarly: 0, pagesLate: 0 }, [false, true, true]],
  ["Envoy has grown too much", { residentLate: 105_000_001 }, [true, false, true]],
  ["Envoy has shrunk a little", { residentLate: 95_000_000 }, [true, true, true]],
  ["Envoy has shrunk a lot", { residentLate: 94_000_000 }, [true, false, true]],
  ["a request has failed", { failed: 1 }, [true, true, false]],
])("%s", (_name, change, met) => {
  expect(judgeSoak({ ...good, ...change }).map((check) => check.met)).toEqual(met);
});
