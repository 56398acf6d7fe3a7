import { config, max, min } from "@weft/sdk";
import { UNKNOWN } from "./identity";

/** Requests that count as one operation. */
@config
export class Operation {
  /** Value of the label request_operation. */
  @min(1) @max(64) name!: string;
  /** Beginning of the path. */
  @min(1) pathPrefix: string = "/";
  /** Method; empty: any. */
  method: string = "";
}

@config
export class Config {
  /** The first that matches names the operation; without a match it is `unknown`. */
  @max(64) operations: Operation[] = [];
}

export function operationOf(operations: Operation[], method: string, path: string): string {
  for (let i = 0; i < operations.length; i++) {
    const operation = operations[i];
    if (operation.method != "" && operation.method != method) continue;
    if (path.startsWith(operation.pathPrefix)) return operation.name;
  }
  return UNKNOWN;
}
