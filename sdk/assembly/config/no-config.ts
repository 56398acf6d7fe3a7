import { JsonReader } from "./json-reader";

/** The configuration of a plugin that has none: anything in it is refused. */
export class NoConfig {
  __weftRead(reader: JsonReader): void {
    reader.enterObject();
    while (reader.nextKey()) reader.unknown("none, this plugin takes no configuration");
  }
}
