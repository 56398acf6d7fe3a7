import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { MeshError } from "./mesh-error.js";

/** The programs of others that a mesh runs. */
export interface Tools {
  readonly envoyPath: string;
  readonly funcEPath: string;
}

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "weft");

/** From the environment (`ENVOY_PATH`, `FUNC_E_PATH`), where the set-up of the clone puts them, or the PATH. */
export function findTools(): Tools {
  return {
    envoyPath: find("Envoy 1.40", "ENVOY_PATH", join(CACHE, "envoy-1.40.0", "envoy"), "envoy"),
    funcEPath: find("func-e", "FUNC_E_PATH", join(CACHE, "func-e-1.6.0", "func-e"), "func-e"),
  };
}

function find(what: string, variable: string, cached: string, name: string): string {
  const given = process.env[variable];
  const onPath = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, name));
  for (const path of given === undefined ? [cached, ...onPath] : [given]) if (isExecutable(path)) return path;
  throw new MeshError(
    "setup-missing",
    given === undefined
      ? `${what} is missing; run npm run setup in the clone, or set ${variable}`
      : `${variable}=${given} is no program; point it to ${what}`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
