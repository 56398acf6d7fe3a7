import { compare } from "bcryptjs";

/** A line of the file that cannot be used. */
export class HtpasswdError extends Error {
  override readonly name = "HtpasswdError";
  readonly code = "invalid-htpasswd";
}

/** A hash of nobody's password: a user that is not there takes as long as one that is. */
const NOBODY = "$2b$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";
const BCRYPT = /^\$2[aby]\$\d{2}\$[./A-Za-z0-9]{53}$/;

/**
 * Reads `user:hash` lines as `htpasswd -B` writes them; only bcrypt, as in Docker's registry. Empty lines and lines
 * with `#` are left out. `name` is how errors call the text. Throws HtpasswdError, which names the line.
 */
export function parseHtpasswd(text: string, name = "htpasswd"): (user: string, password: string) => Promise<boolean> {
  const hashes = new Map<string, string>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const hash = line.slice(colon + 1).trim();
    if (colon < 1) throw new HtpasswdError(`${name}, line ${i + 1}: expected user:hash`);
    if (!BCRYPT.test(hash))
      throw new HtpasswdError(`${name}, line ${i + 1}: the hash is not of bcrypt; make it with htpasswd -B`);
    hashes.set(line.slice(0, colon), hash);
  }
  return async (user, password) => {
    const hash = hashes.get(user);
    const isRight = await compare(password, hash ?? NOBODY);
    return isRight && hash !== undefined;
  };
}
