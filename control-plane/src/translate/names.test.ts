import { expect, it } from "vitest";
import { managerStatPrefix, networkSlotName, slotName, slotStatPrefix } from "./names.js";

it.each(["client", "server"] as const)("the stats of a slot are those of its connection manager: %s", (direction) => {
  expect(slotStatPrefix(slotName(direction, 8080, "authz"))).toBe(managerStatPrefix(direction, 8080));
});

it("a slot of a NETWORK plugin has no connection manager", () => {
  expect(slotStatPrefix(networkSlotName("default/guard"))).toBeUndefined();
});
