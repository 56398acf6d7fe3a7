import { ApiError } from "./errors.js";
import { type Exchange, sendJson } from "./exchange.js";

const MAX_PAGE_SIZE = 10_000;

/** https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags */
export async function getTags(exchange: Exchange, name: string): Promise<void> {
  const { query, manifests } = exchange;
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    throw new ApiError(400, "UNSUPPORTED", `n is ${JSON.stringify(n)}; it must be a number of tags`);
  }
  const all = await manifests.tags(name);
  if (all === undefined) throw new ApiError(404, "NAME_UNKNOWN", `there is no repository ${name}`);
  const size = Math.min(Number(n ?? MAX_PAGE_SIZE), MAX_PAGE_SIZE);
  const last = query.get("last");
  const rest = last === null ? all : all.filter((tag) => tag > last);
  const tags = rest.slice(0, size);
  const next = tags.at(-1);
  const hasMore = next !== undefined && rest.length > tags.length;
  const link = hasMore ? { Link: `</v2/${name}/tags/list?n=${size}&last=${next}>; rel="next"` } : {};
  sendJson(exchange, 200, { name, tags }, link);
}
