/** Where something runs, from the largest part to the smallest; parts that are not known are empty. */
export interface Locality {
  readonly region: string;
  readonly zone: string;
  readonly subzone: string;
}

/** Takes `region/zone/subzone` apart, of which the later parts may be missing. */
export function parseLocality(text = ""): Locality {
  const [region = "", zone = "", subzone = ""] = text.split("/");
  return { region, zone, subzone };
}

/**
 * How near two localities are: 0 in the same subzone, 1 in the same zone, 2 in the same region, 3 further.
 */
export function localityDistance(a: Locality, b: Locality): 0 | 1 | 2 | 3 {
  if (a.region !== b.region) return 3;
  if (a.zone !== b.zone) return 2;
  return a.subzone === b.subzone ? 0 : 1;
}

/** Whether a locality is of those that `eu`, `eu/*`, `eu/eu-1` or `eu/eu-1/*` stand for; `*` stands for all. */
export function matchesLocality({ region, zone, subzone }: Locality, pattern: string): boolean {
  const wanted = pattern.split("/");
  const actual = [region, zone, subzone];
  for (let i = 0; i < 3; i++) {
    const part = wanted[i];
    if (part === undefined || part === "*") return true;
    if (part !== actual[i]) return false;
  }
  return true;
}
