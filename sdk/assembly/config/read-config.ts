import { endsConfiguration, JsonReader } from "./json-reader";

/* {} */
const EMPTY: usize = memory.data<u8>([123, 125]);

/** Fills a configuration from JSON; false where it is refused, for the reason that is in the report by then. */
export function readConfig<C>(config: C, json: usize, size: usize): bool {
  // @ts-expect-error: what NoConfig has
  if (isDefined(config.__weftNone)) return endsConfiguration(json, size);
  // @ts-expect-error: made by the transform
  if (!isDefined(config.__weftRead)) ERROR("A configuration class must be marked @config.");
  const reader = size == 0 ? new JsonReader(EMPTY, 2) : new JsonReader(json, size);
  // @ts-expect-error: made by the transform
  config.__weftRead(reader);
  return reader.finish();
}
