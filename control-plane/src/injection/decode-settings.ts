import { defined } from "../decode/defined.js";
import {
  type Reader,
  readBoolean,
  readInteger,
  readList,
  readObject,
  readOneOf,
  readString,
  refuse,
  show,
} from "../decode/fields.js";
import { readDnsSubdomain } from "../decode/names.js";
import { createProblems } from "../decode/problems.js";
import type { Diagnostic } from "../model/diagnostic.js";
import {
  IMAGE_PULL_POLICIES,
  type InjectionSettings,
  injectionSettings,
  LOG_LEVELS,
  type ProxySettings,
} from "./injection-settings.js";
import { cpuOf, memoryOf } from "./quantities.js";

/** What the file does not say: the same for all that the control plane does. */
export type FixedSettings = Pick<InjectionSettings, "rootNamespace" | "trustDomain"> &
  Partial<Pick<InjectionSettings, "xdsAddress">>;

export type DecodedSettings =
  | { readonly ok: true; readonly settings: InjectionSettings }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

type FileSettings = Pick<InjectionSettings, "initImage"> &
  Partial<Pick<InjectionSettings, "captureDns" | "imagePullSecrets">> & { readonly proxy?: Partial<ProxySettings> };

/** Reads the settings of an installation, as the chart writes them. `file` is named in diagnostics. */
export function decodeInjectionSettings(raw: unknown, fixed: FixedSettings, file: string): DecodedSettings {
  const problems = createProblems(undefined, { file });
  const given = readSettings({ value: raw, path: [], problems });
  if (given === undefined || problems.hasErrors) return { ok: false, diagnostics: problems.list };
  return { ok: true, settings: injectionSettings({ ...given, ...fixed }) };
}

const readSettings: Reader<FileSettings> = readObject((fields) => {
  const initImage = fields.required("initImage", readString(512), "name the image of weft-init");
  const settings = defined({
    captureDns: fields.optional("captureDns", readBoolean),
    imagePullSecrets: fields.optional("imagePullSecrets", readList(readDnsSubdomain, { max: 20 })),
    proxy: fields.optional("proxy", readProxy),
  });
  return initImage === undefined ? undefined : { initImage, ...settings };
});

const readProxy: Reader<Partial<ProxySettings>> = readObject((fields) =>
  defined({
    image: fields.optional("image", readString(512)),
    imagePullPolicy: fields.optional("imagePullPolicy", readOneOf(IMAGE_PULL_POLICIES)),
    cpuRequest: fields.optional("cpuRequest", readQuantity(cpuOf, "write it like 100m, 0.5 or 2")),
    cpuLimit: fields.optional("cpuLimit", readQuantity(cpuOf, "write it like 100m, 0.5 or 2")),
    memoryRequest: fields.optional("memoryRequest", readQuantity(memoryOf, "write it like 64Mi or 1Gi")),
    memoryLimit: fields.optional("memoryLimit", readQuantity(memoryOf, "write it like 64Mi or 1Gi")),
    concurrency: fields.optional("concurrency", readInteger(1, 64)),
    logLevel: fields.optional("logLevel", readOneOf(LOG_LEVELS)),
    maxConnections: fields.optional("maxConnections", readInteger(1, 10_000_000)),
    startupSeconds: fields.optional("startupSeconds", readInteger(10, 3600)),
  }),
);

/** YAML may have `2` for processors as a number. */
function readQuantity(amountOf: (text: string) => number | undefined, hint: string): Reader<string> {
  return (field) => {
    const { value } = field;
    const text = typeof value === "number" ? String(value) : readString(32)(field);
    if (text === undefined || amountOf(text) !== undefined) return text;
    return refuse(field, "InvalidQuantity", `is ${show(text)}`, hint);
  };
}
