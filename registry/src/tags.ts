import { pullScope } from "./blob.js";
import { readBody } from "./body.js";
import { RegistryError } from "./error.js";
import { isTag, type Repository } from "./reference.js";
import type { Transport } from "./transport.js";

const MAX_PAGES = 1_000;
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const MAX_TAGS = 100_000;
const PAGE_SIZE = 1_000;

/**
 * All tags of a repository, sorted. Follows `Link` to the end.
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-tags
 */
export async function listTags(
  transport: Transport,
  repository: Repository,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { registry } = repository;
  const subject = `tags of ${registry}/${repository.repository}`;
  const tags = new Set<string>();
  let url: URL | undefined = transport.url(registry, `/v2/${repository.repository}/tags/list?n=${PAGE_SIZE}`);
  const { origin } = url;
  for (let page = 1; url !== undefined; page += 1) {
    if (page > MAX_PAGES || tags.size > MAX_TAGS) {
      throw new RegistryError("too-large", `${subject}: more than ${MAX_TAGS} tags or ${MAX_PAGES} pages`);
    }
    const here: URL = url;
    const exchange = {
      method: "GET",
      registry,
      url: here,
      scope: pullScope(repository),
      subject,
      expect: [200],
      signal,
    } as const;
    url = await transport.send(exchange, async (response): Promise<URL | undefined> => {
      const body = await readBody(response, { maxBytes: MAX_PAGE_BYTES, what: `a page of the ${subject}` });
      for (const tag of decodeTags(body, subject)) tags.add(tag);
      return nextPage(response.headers.get("link"), here);
    });
    if (url !== undefined && url.origin !== origin) {
      throw new RegistryError("protocol", `${subject}: the next page is at another server, ${url.origin}`);
    }
  }
  return [...tags].sort();
}

/** The `rel="next"` target of a Link header. https://www.rfc-editor.org/rfc/rfc8288#section-3 */
export function nextPage(link: string | null, base: URL): URL | undefined {
  for (const [, target = "", parameters = ""] of (link ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    const isNext = /;\s*rel\s*=\s*(?:"[^"]*\bnext\b[^"]*"|next\b)/i.test(parameters);
    if (isNext && URL.canParse(target, base.href)) return new URL(target, base);
  }
  return undefined;
}

function decodeTags(body: Uint8Array, subject: string): readonly string[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new RegistryError("protocol", `${subject}: the answer is not JSON`, { cause: error });
  }
  const tags = typeof json === "object" && json !== null && "tags" in json ? json.tags : undefined;
  // Registries written in Go say null for an empty list.
  if (tags === null) return [];
  if (!Array.isArray(tags) || !tags.every((tag): tag is string => typeof tag === "string" && isTag(tag))) {
    throw new RegistryError("protocol", `${subject}: the answer has no list of tags`);
  }
  return tags;
}
