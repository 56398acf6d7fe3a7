/** An object of the API server. Only its metadata is of a known form. */
export interface ApiObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** What identity asks of an API server. All throw when it does not answer, or refuses for a reason that is not named here. */
export interface ApiServer {
  /** Undefined: there is none. */
  read(path: string): Promise<ApiObject | undefined>;
  /** Undefined: there is one already. */
  create(path: string, object: object): Promise<ApiObject | undefined>;
  /** Undefined: it was changed since the `resourceVersion` of the object, or is gone. */
  replace(path: string, object: ApiObject): Promise<ApiObject | undefined>;
  /**
   * Calls with each object of a collection that is there, and again whenever one comes, changes, or may have changed
   * unseen; goes on over lost connections. Resolves when the signal aborts.
   */
  follow(
    path: string,
    options: { readonly fieldSelector: string; readonly signal: AbortSignal },
    onObject: (object: ApiObject) => void,
  ): Promise<void>;
}

/** What a Secret holds, by key. Holds secrets: never log it. */
export function secretData(secret: ApiObject): Readonly<Record<string, string>> {
  const { data } = secret;
  if (typeof data !== "object" || data === null) return {};
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) =>
      typeof value === "string" ? [[key, Buffer.from(value, "base64").toString("utf8")]] : [],
    ),
  );
}

/** The form in which a Secret holds it. */
export function encodeSecretData(data: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]));
}
