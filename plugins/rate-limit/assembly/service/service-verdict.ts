import { Descriptor } from "../descriptor";
import { Limit } from "../limit";
import { Verdict } from "../limiter";
import { Policy } from "../policy";
import { Standing } from "../standing";
import { DescriptorStatus, RateLimitResponse } from "./rate-limit-response";

const SECOND: u64 = 1_000_000_000;

/**
 * What the rate limit service's answer means for the request, counted for the limits that it is about. `limits` are
 * those of the configuration. A limit in dry run refuses nothing, whatever the service says of it.
 */
export function serviceVerdict(
  answer: RateLimitResponse,
  descriptors: Descriptor[],
  limits: Limit[],
  dryRunHeaders: bool,
): Verdict {
  const verdict = new Verdict();
  const count = descriptors.length;
  let longest: u64 = 0;
  for (let i = 0; i < count; i++) {
    const limit = limits[descriptors[i].limit];
    const standing = standingOf(answer, i, count, limit);
    if (standing !== null && (!limit.dryRun || dryRunHeaders)) verdict.standings.push(standing);
    if (limit.dryRun || !answer.isOver(i, count)) continue;
    const wait = standing === null ? 0 : standing.retrySeconds;
    if (verdict.admitted || wait > longest) {
      verdict.refusedBy = limit;
      longest = wait;
    }
  }
  const refusedBy = verdict.refusedBy;
  if (refusedBy !== null) {
    refusedBy.limited.increment();
    return verdict;
  }
  for (let i = 0; i < count; i++) {
    const limit = limits[descriptors[i].limit];
    (answer.isOver(i, count) ? limit.limited : limit.admitted).increment();
  }
  return verdict;
}

/* Null where the service has no limit for the descriptor, or does not say. */
function standingOf(answer: RateLimitResponse, index: i32, count: i32, limit: Limit): Standing | null {
  if (answer.statuses.length != count) return null;
  const status: DescriptorStatus = answer.statuses[index];
  if (status.limit == 0) return null;
  const policy = new Policy(limit.config.name, status.limit, status.windowSeconds, status.limit);
  const reset = (status.resetNs + SECOND - 1) / SECOND;
  if (!answer.isOver(index, count)) return new Standing(policy, status.remaining, 0, reset);
  return new Standing(policy, 0, max<u64>(reset, 1), max<u64>(reset, 1));
}
