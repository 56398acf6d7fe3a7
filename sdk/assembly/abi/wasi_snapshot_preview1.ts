/* The WASI functions that Envoy has and the SDK uses. The file's name is the name of the Wasm import module. */
export declare function clock_time_get(clock: i32, precision: u64, time: usize): i32;
export declare function random_get(buffer: usize, size: usize): i32;
export declare function environ_sizes_get(count: usize, size: usize): i32;
export declare function environ_get(entries: usize, buffer: usize): i32;
