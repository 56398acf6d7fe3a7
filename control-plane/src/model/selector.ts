/** Labels of a workload. */
export type Labels = Readonly<Record<string, string>>;

/** Whether every label of the selector is on the workload. An empty selector matches everything. */
export function matchesLabels(selector: Labels, labels: Labels): boolean {
  for (const name in selector) if (labels[name] !== selector[name]) return false;
  return true;
}
