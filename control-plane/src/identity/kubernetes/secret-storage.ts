import { createAuthorityMaterial, createIntermediate } from "../authority-material.js";
import type { AuthorityStorage } from "../authority-storage.js";
import { anchorChain, openBroughtAuthority } from "../brought-authority.js";
import type { Generation } from "../generations.js";
import { IdentityError } from "../identity-error.js";
import type { IssuedCertificate } from "../rotation.js";
import { type ApiObject, type ApiServer, encodeSecretData, secretData } from "./api-server.js";
import {
  type GenerationsRecord,
  MAX_LEAF_LIFE_MS,
  promoted,
  readAuthority,
  readGenerations,
  rootOf,
  type StoredGeneration,
  trustMark,
  wanting,
  withTrusting,
  writeAuthority,
  writeGenerations,
} from "./generations-record.js";
import { CA_SECRET, GENERATIONS_SECRET } from "./names.js";

export interface SecretStorageOptions {
  readonly api: ApiServer;
  /** Of the control plane. */
  readonly namespace: string;
  readonly trustDomain: string;
  /** Name of this replica. */
  readonly replica: string;
  /** Workloads that have a sidecar, `<namespace>/<name>`: each has a trust bundle. */
  readonly workloads: () => readonly string[];
}

/** The authority in Secrets. What is in force is in one that only we write; another says which authority is wanted. */
export interface SecretStorage extends AuthorityStorage {
  /**
   * Takes what Secret `weft-ca` wants now, and makes it when it is gone. For the leader. Resolves to what is wrong with
   * that Secret; what was in force stays so.
   */
  reconcile(nowMs: number): Promise<string | undefined>;
  /** This replica's proxies of these workloads have acknowledged the next root. For all replicas. */
  reportTrusting(workloads: readonly string[]): Promise<void>;
  /** Of these workloads those whose proxies have acknowledged the next root at any replica, as last read. */
  trusting(workloads: readonly string[]): readonly string[];
}

/** On the Secret that we made, so that it may be replaced. One of the user's is never written. */
const MADE_BY = { "weft.mesh/made-by": "weft-control-plane" };
const MAX_ATTEMPTS = 5;
/** A share of a certificate's life, by which its end is recorded too late, so that few of them need a write. */
const SLACK = 1 / 8;

/** Opens the authority in Secrets; makes it when there is none, whichever replica is first. Throws an IdentityError. */
export async function openSecretStorage(options: SecretStorageOptions): Promise<SecretStorage> {
  const { api, namespace, trustDomain } = options;
  const secrets = `/api/v1/namespaces/${namespace}/secrets`;
  let last: GenerationsRecord | undefined;
  /** Certificates are recorded one after the other: most find that the one before did it for them. */
  let recording: Promise<unknown> = Promise.resolve();

  const open = (authority: StoredGeneration, nowMs: number) => openBroughtAuthority(authority, { trustDomain, nowMs });

  /** Secret `weft-ca`; made when there is none. */
  const readWanted = async (nowMs: number): Promise<ApiObject> => {
    const path = `${secrets}/${CA_SECRET}`;
    const found = await api.read(path);
    if (found !== undefined) return found;
    const made = caSecret(namespace, await createAuthority(trustDomain, nowMs));
    const created = (await api.create(secrets, made)) ?? (await api.read(path));
    if (created === undefined) throw new IdentityError("io", `${CA_SECRET} comes and goes: somebody deletes it`);
    return created;
  };

  const readRecord = async (): Promise<{ secret: ApiObject; record: GenerationsRecord } | undefined> => {
    const secret = await api.read(`${secrets}/${GENERATIONS_SECRET}`);
    if (secret === undefined) return undefined;
    const record = readGenerations(secretData(secret));
    if (!record.ok)
      throw damaged(
        GENERATIONS_SECRET,
        `${record.message}. Put back a copy of it; or, if all pods may be restarted, delete it`,
      );
    last = record.value;
    return { secret, record: record.value };
  };

  const createRecord = async (nowMs: number) => {
    const wanted = readAuthority(secretData(await readWanted(nowMs)));
    if (!wanted.ok) throw damaged(CA_SECRET, wanted.message);
    const opened = await open(wanted.value, nowMs);
    if (!opened.ok) throw damaged(CA_SECRET, opened.message);
    const data = writeGenerations(wanting(undefined, wanted.value, nowMs));
    await api.create(secrets, secretOf(namespace, GENERATIONS_SECRET, "Opaque", data));
  };

  const loadRecord = async (nowMs: number) => {
    const found = await readRecord();
    if (found !== undefined) return found;
    await createRecord(nowMs);
    const created = await readRecord();
    if (created === undefined)
      throw new IdentityError("io", `${GENERATIONS_SECRET} comes and goes: somebody deletes it`);
    return created;
  };

  /** Changes what is in force, as it is now: of two replicas that try, the later sees what the first did. */
  const update = async (
    nowMs: number,
    change: (record: GenerationsRecord) => GenerationsRecord | Promise<GenerationsRecord>,
  ): Promise<void> => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { secret, record } = await loadRecord(nowMs);
      const next = await change(record);
      if (next === record) return;
      const data = encodeSecretData(writeGenerations(next));
      if ((await api.replace(`${secrets}/${GENERATIONS_SECRET}`, { ...secret, data })) === undefined) continue;
      last = next;
      return;
    }
    throw new IdentityError("io", `${GENERATIONS_SECRET} changes faster than it can be written: do two replicas lead?`);
  };

  const reconcile = async (nowMs: number): Promise<string | undefined> => {
    const wanted = readAuthority(secretData(await readWanted(nowMs)));
    if (!wanted.ok) return `Secret ${namespace}/${CA_SECRET}: ${wanted.message}; what was in force stays so`;
    const opened = await open(wanted.value, nowMs);
    if (!opened.ok) return `Secret ${namespace}/${CA_SECRET}: ${opened.message}; what was in force stays so`;
    await update(nowMs, async (record) => {
      // What ended while nobody was here to replace it signs nothing, and has signed nothing that is valid.
      const isOver = !(await open(record.signing, nowMs)).ok;
      const next = wanting(isOver ? undefined : record, wanted.value, nowMs);
      return isEqual(next, record) ? record : next;
    });
    return undefined;
  };

  /** Replaces Secret `weft-ca`, which must be ours, and takes it. */
  const want = async (nowMs: number, change: (secret: ApiObject) => Promise<StoredGeneration>): Promise<void> => {
    const secret = await readWanted(nowMs);
    if (!isOurs(secret))
      throw new IdentityError(
        "root-key",
        `Secret ${namespace}/${CA_SECRET} is not ours: whoever made it, cert-manager for example, replaces what is in it, and the rest goes by itself`,
      );
    const data = encodeSecretData(writeAuthority(await change(secret)));
    if ((await api.replace(`${secrets}/${CA_SECRET}`, { ...secret, data })) === undefined)
      throw new IdentityError(
        "io",
        `Secret ${namespace}/${CA_SECRET} was changed by somebody else meanwhile: try again`,
      );
    const problem = await reconcile(nowMs);
    if (problem !== undefined) throw new IdentityError("damaged", problem);
  };

  const record = async ({ root, notAfterMs }: IssuedCertificate): Promise<void> => {
    const isRecorded = (known: GenerationsRecord | undefined) =>
      known !== undefined && rootOf(known.signing) === root && known.signing.leavesEndMs >= notAfterMs;
    if (isRecorded(last)) return;
    const nowMs = Date.now();
    await update(nowMs, (known) => {
      if (rootOf(known.signing) !== root)
        throw new IdentityError("io", "another root signs since a moment ago: the certificate is not given away");
      if (isRecorded(known)) return known;
      const leavesEndMs = Math.ceil(notAfterMs + SLACK * (notAfterMs - nowMs));
      return { ...known, signing: { ...known.signing, leavesEndMs } };
    });
  };

  const renewSigning = async (nowMs: number): Promise<void> => {
    const { record: known } = await loadRecord(nowMs);
    const renewed = await renew(known.signing, { trustDomain, nowMs }, namespace);
    const wanted = readAuthority(secretData(await readWanted(nowMs)));
    if (wanted.ok && rootOf(wanted.value) === rootOf(known.signing)) await want(nowMs, async () => renewed);
    else await update(nowMs, (now) => ({ ...now, signing: { ...renewed, leavesEndMs: now.signing.leavesEndMs } }));
  };

  const startMs = Date.now();
  const { record: first } = await loadRecord(startMs);
  if (!(await open(first.signing, startMs)).ok) {
    if (first.signing.rootKeyPem === undefined) await reconcile(startMs);
    else await renewSigning(startMs);
  }
  return {
    async load(nowMs) {
      const { record: stored } = await loadRecord(nowMs);
      const signing = await open(stored.signing, nowMs);
      if (!signing.ok)
        throw damaged(
          GENERATIONS_SECRET,
          `the authority that signs cannot any more: ${signing.message}. Put one that can into Secret ${CA_SECRET}; or delete both, and restart all pods: a new one is made`,
        );
      const other = async (generation: StoredGeneration | undefined): Promise<Generation | undefined> => {
        if (generation === undefined) return undefined;
        const opened = await open(generation, nowMs);
        const rootPem = opened.ok ? opened.value.rootPem : generation.rootsPem;
        return { ...generationOf(generation, rootPem), ...(opened.ok ? { authority: opened.value } : {}) };
      };
      const [next, retiring] = await Promise.all([other(stored.next), other(stored.retiring)]);
      return {
        signing: { ...generationOf(stored.signing, signing.value.rootPem), authority: signing.value },
        ...(next === undefined ? {} : { next }),
        ...(retiring === undefined ? {} : { retiring }),
      };
    },
    addNext: (nowMs) => want(nowMs, () => createAuthority(trustDomain, nowMs)),
    signWithNext: (nowMs) => update(nowMs, (known) => promoted(known, nowMs)),
    async dropRetiring() {
      const nowMs = Date.now();
      await update(nowMs, ({ retiring: _, ...known }) => known);
      // Another root may have waited for this.
      await reconcile(nowMs);
    },
    dropNext: (nowMs = Date.now()) => want(nowMs, async () => (await loadRecord(nowMs)).record.signing),
    renewSigning,
    reconcile,
    async reportTrusting(workloads) {
      // Most often there is nothing new.
      if (last === undefined || withTrusting(last, options.replica, workloads) === last) return;
      const root = last.next && rootOf(last.next);
      await update(Date.now(), (known) =>
        known.next !== undefined && rootOf(known.next) === root
          ? withTrusting(known, options.replica, workloads)
          : known,
      );
    },
    trusting(workloads) {
      const marks = new Set(Object.values(last?.next?.trusting ?? {}).flat());
      return marks.size === 0 ? [] : workloads.filter((workload) => marks.has(trustMark(workload)));
    },
    issued: {
      record(certificate) {
        const done = recording.then(() => record(certificate));
        recording = done.catch(() => undefined);
        return done;
      },
      valid: (nowMs) =>
        [last?.signing, last?.retiring]
          .flatMap((generation) =>
            generation === undefined
              ? []
              : [{ workload: "(pods)", root: rootOf(generation), notAfterMs: generation.leavesEndMs }],
          )
          .filter(({ notAfterMs }) => notAfterMs > nowMs),
      // A pod that is away takes the roots of then when it comes back; nobody waits for it longer than a day.
      holders: (nowMs) => {
        const { next } = last ?? {};
        if (next === undefined) return [];
        const notAfterMs = next.sinceMs + MAX_LEAF_LIFE_MS;
        if (notAfterMs <= nowMs) return [];
        return options.workloads().map((workload) => ({ workload, root: rootOf(next), notAfterMs }));
      },
    },
  };
}

async function createAuthority(trustDomain: string, nowMs: number): Promise<StoredGeneration> {
  const material = await createAuthorityMaterial({ trustDomain, nowMs });
  const { intermediatePem, intermediateKeyPem, rootPem, rootKeyPem } = material;
  return {
    ...{ chainPem: intermediatePem, keyPem: intermediateKeyPem, rootsPem: rootPem },
    ...(rootKeyPem === undefined ? {} : { rootKeyPem }),
  };
}

async function renew(
  { chainPem, rootsPem, rootKeyPem }: StoredGeneration,
  options: { readonly trustDomain: string; readonly nowMs: number },
  namespace: string,
): Promise<StoredGeneration> {
  if (rootKeyPem === undefined)
    throw new IdentityError(
      "root-key",
      `the key of the root is not in Secret ${namespace}/${CA_SECRET}: put root.key back for as long as this takes, or let whoever made the authority renew it`,
    );
  const chain = anchorChain({ chainPem, rootsPem });
  if (!chain.ok) throw damaged(CA_SECRET, chain.message);
  const root = { rootPem: chain.value.anchor, rootKeyPem };
  const { intermediatePem, intermediateKeyPem } = await createIntermediate(root, options);
  return { chainPem: intermediatePem, keyPem: intermediateKeyPem, rootsPem, rootKeyPem };
}

function generationOf(stored: StoredGeneration, rootPem: string): Generation {
  return { rootPem, fingerprint: rootOf(stored), hasRootKey: stored.rootKeyPem !== undefined };
}

function isOurs({ metadata }: ApiObject): boolean {
  return Object.entries(MADE_BY).every(([key, value]) => metadata.annotations?.[key] === value);
}

function caSecret(namespace: string, authority: StoredGeneration): object {
  return secretOf(namespace, CA_SECRET, "kubernetes.io/tls", writeAuthority(authority));
}

function secretOf(namespace: string, name: string, type: string, data: Readonly<Record<string, string>>): object {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, annotations: MADE_BY },
    type,
    data: encodeSecretData(data),
  };
}

function isEqual(a: GenerationsRecord, b: GenerationsRecord): boolean {
  return JSON.stringify(writeGenerations(a)) === JSON.stringify(writeGenerations(b));
}

function damaged(secret: string, message: string): IdentityError {
  return new IdentityError("damaged", `Secret ${secret}: ${message}`);
}
