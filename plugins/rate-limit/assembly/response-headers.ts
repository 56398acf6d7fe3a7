import { Headers } from "@weft/sdk";
import { HeaderStyle } from "./config";
import { Standing, Standings } from "./standing";

function policies(first: Standing, style: HeaderStyle): string {
  let text = first.policy.in(style);
  let at = first.next;
  while (at !== null) {
    text += ", " + at.policy.in(style);
    at = at.next;
  }
  return text;
}

/** draft-ietf-httpapi-ratelimit-headers: fields for the most constraining limit, and the policies of all. */
export function addRateLimitHeaders(headers: Headers, standings: Standings, style: HeaderStyle): void {
  const first = standings.first;
  const least = standings.mostConstraining;
  if (style == HeaderStyle.off || first === null || least === null) return;
  const remaining = least.remaining.toString();
  const reset = least.resetSeconds.toString();
  headers.set("ratelimit-policy", policies(first, style));
  if (style == HeaderStyle.structured) {
    headers.set("ratelimit", '"' + least.policy.name + '";r=' + remaining + ";t=" + reset);
    return;
  }
  headers.set("ratelimit-limit", least.policy.quota);
  headers.set("ratelimit-remaining", remaining);
  headers.set("ratelimit-reset", reset);
}
