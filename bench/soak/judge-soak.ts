import type { SoakResult } from "../../sdk/test/soak.js";

/** One thing that is compared before and after. */
export interface MemoryCheck {
  name: string;
  early?: number;
  late: number;
  goal: string;
  met: boolean;
}

const RESIDENT_SHARE = 0.05;

/** Memory of the guest and of Envoy must be what they were after the warm-up, and no request may have failed. */
export function judgeSoak(result: SoakResult): MemoryCheck[] {
  const { pagesEarly, pagesLate, residentEarly, residentLate, failed } = result;
  return [
    {
      name: "memory of the VM, pages of 64 KiB",
      early: pagesEarly,
      late: pagesLate,
      goal: "equal",
      // Without a value from Envoy's statistics nothing is shown.
      met: pagesEarly > 0 && pagesLate === pagesEarly,
    },
    {
      name: "memory of Envoy (RSS), KiB",
      early: Math.round(residentEarly / 1024),
      late: Math.round(residentLate / 1024),
      goal: "within 5 %",
      met: residentEarly > 0 && Math.abs(residentLate - residentEarly) <= RESIDENT_SHARE * residentEarly,
    },
    { name: "requests that failed", late: failed, goal: "0", met: failed === 0 },
  ];
}
