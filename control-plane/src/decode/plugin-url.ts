import { type Field, readString, refuse, show } from "./fields.js";

/** What a plugin's url names. */
export interface PluginUrl {
  /** With its scheme. */
  readonly url: string;
  /** Hexadecimal digest in the url. */
  readonly sha256?: string;
  /** Whether the image may change under this name by convention: no tag, or `latest`. */
  readonly moving: boolean;
}

// Parts of an image reference as the OCI distribution specification has them.
const NAME = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const REFERENCE = new RegExp(
  `^(?:(?:[A-Za-z0-9][A-Za-z0-9.-]*|\\[[0-9a-fA-F:]+\\])(?::\\d{1,5})?/)?${NAME}(?:/${NAME})*(?::(?<tag>[A-Za-z0-9_][\\w.-]{0,127}))?(?:@sha256:(?<digest>[0-9a-f]{64}))?$`,
);

/** `oci://…`, which is also meant when there is no scheme, or `file://…` where that is allowed. */
export function readPluginUrl(allowFile: boolean): (field: Field) => PluginUrl | undefined {
  return (field) => {
    const text = readString(1024)(field);
    if (text === undefined) return undefined;
    const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1];
    const rest = scheme === undefined ? text : text.slice(scheme.length + 3);
    switch (scheme) {
      case undefined:
      case "oci":
        return readImage(field, rest);
      case "file":
        return allowFile
          ? readFile(field, rest)
          : refuse(
              field,
              "UnsupportedValue",
              "names a file, which only a standalone mesh can read",
              "push the plugin to a registry and name it as oci://…",
            );
      case "http":
      case "https":
        return refuse(
          field,
          "UnsupportedValue",
          `begins with ${scheme}://, which is not supported yet`,
          "push the plugin to a registry and name it as oci://…",
        );
      default:
        return refuse(field, "InvalidReference", `begins with ${scheme}://`, "use oci://");
    }
  };
}

function readImage(field: Field, reference: string): PluginUrl | undefined {
  const match = REFERENCE.exec(reference);
  if (match === null) {
    const hint = "write it like oci://registry.example.com/plugins/retry:1.0.0, the repository in lower case";
    return refuse(field, "InvalidReference", `${show(reference)} is not an image reference`, hint);
  }
  const { tag, digest } = match.groups ?? {};
  const moving = digest === undefined && (tag === undefined || tag === "latest");
  return { url: `oci://${reference}`, moving, ...(digest !== undefined && { sha256: digest }) };
}

function readFile(field: Field, path: string): PluginUrl | undefined {
  if (path === "" || path.includes("\0"))
    return refuse(field, "InvalidReference", "names no file", "write it like file://plugins/retry.wasm");
  if (path.split(/[/\\]/).includes(".."))
    return refuse(field, "InvalidReference", "leaves the folder by ..", "name a file below the folder");
  return { url: `file://${path}`, moving: true };
}
