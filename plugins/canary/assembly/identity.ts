import { Source } from "./config";

/** The workload that the proxy belongs to. */
export class Identity {
  readonly labels: Map<string, string> = new Map();

  constructor(
    readonly workload: string,
    readonly namespace: string,
  ) {}

  is(source: Source): bool {
    if (source.workload != "" && source.workload != this.workload) return false;
    if (source.namespace != "" && source.namespace != this.namespace) return false;
    const names = source.labels.keys();
    for (let i = 0; i < names.length; i++) {
      const name = names[i];
      if (!this.labels.has(name) || this.labels.get(name) != source.labels.get(name)) return false;
    }
    return true;
  }
}
