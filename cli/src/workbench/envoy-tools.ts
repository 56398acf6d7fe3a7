import { MeshError } from "../mesh/mesh-error.js";
import { findTools, type Tools } from "../mesh/tools.js";
import { WorkbenchError } from "./workbench-error.js";

/** Envoy and func-e, or an error that says how to get them without a clone of Weft. */
export function findEnvoyTools(): Tools {
  try {
    return findTools();
  } catch (error) {
    if (!(error instanceof MeshError)) throw error;
    throw new WorkbenchError("setup-missing", `${error.message}\n${HOW}`, { cause: error });
  }
}

const HOW = `weft plugin run needs Envoy 1.40.0 and func-e 1.6. Without a clone of Weft:
  func-e:  go install github.com/tetratelabs/func-e/cmd/func-e@v1.6.0   and put it on the PATH, or set FUNC_E_PATH
  Envoy:   export ENVOY_PATH=$(ENVOY_VERSION=1.40.0 func-e which)       downloads it; or point ENVOY_PATH to yours
weft plugin build, test and inspect need neither.`;
