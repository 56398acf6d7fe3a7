import type { LocalReply } from "./context.js";
import type { HeaderMap } from "./header-map.js";
import type { PropertyMap } from "./property-value.js";

/** Whether more comes. */
export interface EndOfStream {
  /** These are the last bytes. Default false. */
  endOfStream?: boolean;
}

/** What a part of a message led to. */
export interface StepResult {
  /** What the last callback returned; undefined where none was called. */
  action: number | undefined;
  /** The plugin holds this direction back. */
  paused: boolean;
  bufferedBytes: number;
  /** The plugin, or Envoy for it, has answered in the upstream's stead. */
  localResponse: LocalReply | undefined;
}

/** What a stream is made with. */
export interface StreamOptions {
  /** Attributes, nested or with dots: `{"source.address": "10.0.0.1:80", xds: {route_name: "r"}}`. */
  properties?: PropertyMap;
  /** Default "HTTP/1.1". */
  protocol?: string;
}

/** What an exchange does around the plugin. */
export interface StreamHooks {
  /** The whole request has reached the upstream. */
  upstream?: () => void;
  /** Changes the headers that the upstream gets. */
  upstreamHeaders?: (map: HeaderMap) => void;
  /** Changes the headers that the client gets. */
  clientHeaders?: (map: HeaderMap) => void;
}
