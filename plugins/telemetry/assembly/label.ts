import { config, max, min, pattern } from "@weft/sdk";

/** A label of the user's: exactly one of requestHeader, responseHeader, value and paths says what it is. */
@config
export class Label {
  /** Filter state wasm.weft.<name>. */
  @min(1) @max(64) @pattern("^[a-zA-Z_][a-zA-Z0-9_]*$") name!: string;
  /** The first value of this request header. */
  @max(128) requestHeader: string = "";
  /** The first value of this response header. */
  @max(128) responseHeader: string = "";
  /** Always this. */
  @max(128) value: string = "";
  /** Templates such as /users/{id}: the first that has the path's form. {…} is one segment, a last ** any rest. */
  @max(64) paths: string[] = [];
  /** What it is for a request that has none. */
  @min(1) @max(128) fallback: string = "unknown";
  /** Different values that a worker lets through; all others are `other`. */
  @min(1) @max(10000) maxValues: i32 = 100;

  validate(): string | null {
    const sources =
      <i32>(this.requestHeader != "") +
      <i32>(this.responseHeader != "") +
      <i32>(this.value != "") +
      <i32>(this.paths.length > 0);
    if (sources != 1) {
      return (
        "label " +
        this.name +
        " has " +
        sources.toString() +
        " of requestHeader, responseHeader, value and paths; it must have one"
      );
    }
    for (let i = 0; i < this.paths.length; i++) {
      if (!this.paths[i].startsWith("/"))
        return "label " + this.name + ": the template " + this.paths[i] + " must begin with /";
    }
    return null;
  }
}
