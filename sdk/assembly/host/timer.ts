import { proxy_set_tick_period_milliseconds } from "../abi/env";
import { Status } from "./status";

export function setTickPeriod(periodMs: u32): Status {
  return <Status>proxy_set_tick_period_milliseconds(periodMs);
}
