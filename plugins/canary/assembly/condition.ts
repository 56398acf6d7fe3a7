import { Config, isGiven, Match } from "./config";
import { Request } from "./request";
import { TextMatch, TextMatcher } from "./text-match";

/** Something that a rule asks of a request. */
export abstract class Condition {
  protected readonly matcher: TextMatcher;

  constructor(match: TextMatch) {
    this.matcher = new TextMatcher(match);
  }

  holds(request: Request): bool {
    return this.finds(request) != this.matcher.not;
  }

  protected abstract finds(request: Request): bool;
}

class HeaderCondition extends Condition {
  constructor(
    private readonly name: string,
    match: TextMatch,
  ) {
    super(match);
  }

  /* Most requests have none or one: all values are fetched only where the first does not match. */
  protected finds(request: Request): bool {
    const first = request.header(this.name);
    if (first === null) return false;
    return this.matcher.matches(first) || this.matcher.matchesOne(request.headers(this.name));
  }
}

class CookieCondition extends Condition {
  constructor(
    private readonly name: string,
    match: TextMatch,
  ) {
    super(match);
  }

  protected finds(request: Request): bool {
    return this.matcher.matchesOne(request.cookie(this.name));
  }
}

class QueryCondition extends Condition {
  constructor(
    private readonly name: string,
    match: TextMatch,
  ) {
    super(match);
  }

  protected finds(request: Request): bool {
    return this.matcher.matchesOne(request.queryParam(this.name));
  }
}

class PathCondition extends Condition {
  protected finds(request: Request): bool {
    return this.matcher.matches(request.path);
  }
}

class HostCondition extends Condition {
  protected finds(request: Request): bool {
    return this.matcher.matches(request.host);
  }
}

/** The conditions of a Match, those first that are cheap where they do not hold; but for `source`. */
export function conditionsOf(match: Match, config: Config): Condition[] {
  const conditions: Condition[] = [];
  const headers = match.headers.keys();
  for (let i = 0; i < headers.length; i++) {
    conditions.push(new HeaderCondition(headers[i], match.headers.get(headers[i])));
  }
  const claims = match.claims.keys();
  for (let i = 0; i < claims.length; i++) {
    conditions.push(new HeaderCondition(config.claimHeaders.get(claims[i]), match.claims.get(claims[i])));
  }
  if (isGiven(match.method)) conditions.push(new HeaderCondition(":method", match.method));
  if (isGiven(match.host)) conditions.push(new HostCondition(match.host));
  if (isGiven(match.path)) conditions.push(new PathCondition(match.path));
  const params = match.queryParams.keys();
  for (let i = 0; i < params.length; i++) {
    conditions.push(new QueryCondition(params[i], match.queryParams.get(params[i])));
  }
  const cookies = match.cookies.keys();
  for (let i = 0; i < cookies.length; i++) {
    conditions.push(new CookieCondition(cookies[i], match.cookies.get(cookies[i])));
  }
  return conditions;
}
