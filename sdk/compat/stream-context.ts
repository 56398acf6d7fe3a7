import {
  add_header_map_value_string,
  get_header_map_pairs,
  get_header_map_value_string,
  remove_header_map_value_string,
  replace_header_map_value_string,
  set_header_map_pairs,
} from "./host-calls";
import { HeaderMapTypeValues, Headers } from "./values";

class HeaderStreamManipulator {
  constructor(private readonly typ: HeaderMapTypeValues) {}

  add(key: string, value: string): void {
    add_header_map_value_string(this.typ, key, value);
  }

  replace(key: string, value: string): void {
    replace_header_map_value_string(this.typ, key, value);
  }

  /** "" where there is none. */
  get(key: string): string {
    return get_header_map_value_string(this.typ, key);
  }

  remove(key: string): void {
    remove_header_map_value_string(this.typ, key);
  }

  get_headers(): Headers {
    return get_header_map_pairs(this.typ);
  }

  set_headers(headers: Headers): void {
    set_header_map_pairs(this.typ, headers);
  }
}

class HeaderMapManipulator {
  readonly request: HeaderStreamManipulator;
  readonly response: HeaderStreamManipulator;
  readonly http_callback: HeaderStreamManipulator;

  constructor(request: HeaderMapTypeValues, response: HeaderMapTypeValues, call: HeaderMapTypeValues) {
    this.request = new HeaderStreamManipulator(request);
    this.response = new HeaderStreamManipulator(response);
    this.http_callback = new HeaderStreamManipulator(call);
  }
}

class StreamContext {
  readonly headers: HeaderMapManipulator = new HeaderMapManipulator(
    HeaderMapTypeValues.RequestHeaders,
    HeaderMapTypeValues.ResponseHeaders,
    HeaderMapTypeValues.HttpCallResponseHeaders,
  );
  readonly trailers: HeaderMapManipulator = new HeaderMapManipulator(
    HeaderMapTypeValues.RequestTrailers,
    HeaderMapTypeValues.ResponseTrailers,
    HeaderMapTypeValues.HttpCallResponseTrailers,
  );
}

/** The headers and trailers of the current stream, and of the call whose answer is handled. */
export const stream_context = new StreamContext();
