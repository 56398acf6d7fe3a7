import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { AuthorityStorage } from "./authority-storage.js";
import { addNext, dropNext, dropRetiring, loadGenerations, renewSigning, signWithNext } from "./generations.js";
import { loadIssuedCertificates } from "./issued-certificates.js";

/** Those of an authority from before there was a record: nobody knows whose they are, but not for how long. */
const UNRECORDED = { workload: "(unknown)", lifeMs: 24 * 60 * 60 * 1000 };

/** The authority in a folder; made when there is none. Throws an IdentityError. */
export async function openFolderStorage(folder: string, trustDomain: string): Promise<AuthorityStorage> {
  const directory = resolve(folder);
  const issuedFile = join(directory, "issued.json");
  const wasThere = (await exists(directory)) && !(await exists(issuedFile));
  const { signing } = await loadGenerations(directory, { trustDomain, nowMs: Date.now() });
  const issued = await loadIssuedCertificates(issuedFile);
  if (wasThere) {
    const notAfterMs = Date.now() + UNRECORDED.lifeMs;
    await issued.record({ workload: UNRECORDED.workload, root: signing.fingerprint, notAfterMs });
  }
  return {
    load: (nowMs) => loadGenerations(directory, { trustDomain, nowMs }),
    addNext: (nowMs) => addNext(directory, { trustDomain, nowMs }),
    signWithNext: () => signWithNext(directory),
    dropRetiring: () => dropRetiring(directory),
    dropNext: () => dropNext(directory),
    renewSigning: (nowMs) => renewSigning(directory, { trustDomain, nowMs }),
    issued,
  };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
