import { EVENT_KINDS, STATUS_KINDS } from "./status-kinds.js";

/** What the control plane does with objects of the cluster, and why: for the rules of its role. */
export interface Access {
  readonly group: string;
  /** With its subresource. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** `own`: in the control plane's own namespace only. */
  readonly scope: "own" | "cluster";
  readonly why: string;
}

const unique = <T>(values: readonly T[]): readonly T[] => [
  ...new Map(values.map((v) => [JSON.stringify(v), v])).values(),
];
const resourcesOf = (kinds: typeof STATUS_KINDS) =>
  unique(Object.values(kinds).flatMap((all) => all.map(({ group, plural }) => ({ group, plural }))));

/** Of what writes statuses, Events, the last good readings, and elects a leader. */
export const STATUS_ACCESS: readonly Access[] = [
  ...resourcesOf(STATUS_KINDS).flatMap(({ group, plural }): readonly Access[] => [
    { group, resource: plural, verbs: ["get", "list"], scope: "cluster", why: "statuses are input after a restart" },
    { group, resource: `${plural}/status`, verbs: ["patch"], scope: "cluster", why: "what became of each object" },
  ]),
  ...resourcesOf(EVENT_KINDS).map(
    ({ group, plural }): Access => ({
      ...{ group, resource: plural, verbs: ["get"], scope: "cluster" },
      why: "an Event names the uid of what it is about",
    }),
  ),
  {
    group: "weft.mesh",
    resource: "wasmplugins",
    verbs: ["watch"],
    scope: "cluster",
    why: "replicas follow the rollouts of the one that leads",
  },
  {
    group: "events.k8s.io",
    resource: "events",
    verbs: ["create", "patch"],
    scope: "cluster",
    why: "what happened, counted where it happens again",
  },
  {
    group: "",
    resource: "configmaps",
    verbs: ["get", "create", "patch"],
    scope: "own",
    why: "last good readings of objects that are refused now: weft-last-good",
  },
  {
    group: "coordination.k8s.io",
    resource: "leases",
    verbs: ["get", "create", "update"],
    scope: "own",
    why: "the election of the replica that writes",
  },
];
