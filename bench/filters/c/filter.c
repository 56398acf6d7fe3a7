/*
 * What a filter costs at the least: the ABI without an SDK. Nothing is allocated per stream, and what the host returns
 * goes to an arena that every callback starts anew. With -DBARE only the callbacks that do the work are exported;
 * without it also those of a stream's life, which an SDK needs for its contexts.
 */
#define IMPORT(name) __attribute__((import_module("env"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

enum { OK = 0, CONTINUE = 0, REQUEST_HEADERS = 0, RESPONSE_HEADERS = 2, ARENA_BYTES = 65536 };

IMPORT(proxy_get_header_map_value)
int get_header(int map, const char *key, unsigned key_size, char **value, unsigned *value_size);
IMPORT(proxy_add_header_map_value)
int add_header(int map, const char *key, unsigned key_size, const char *value, unsigned value_size);

static char arena[ARENA_BYTES] __attribute__((aligned(8)));
static unsigned used;
static unsigned hits;

EXPORT(malloc) void *allocate(unsigned size) {
  if (size > ARENA_BYTES) __builtin_trap();
  if (size > ARENA_BYTES - used) used = 0;
  void *block = arena + used;
  used += (size + 7) & ~7u;
  return block;
}

EXPORT(proxy_abi_version_0_2_1) void abi_version(void) {}
EXPORT(proxy_on_vm_start) int on_vm_start(unsigned context, unsigned size) { return 1; }
EXPORT(proxy_on_configure) int on_configure(unsigned context, unsigned size) { return 1; }

EXPORT(proxy_on_request_headers) int on_request_headers(unsigned context, unsigned count, unsigned end_of_stream) {
  used = 0;
  char *value = 0;
  unsigned size = 0;
  if (get_header(REQUEST_HEADERS, "x-in", 4, &value, &size) == OK && size > 0) hits++;
  return CONTINUE;
}

EXPORT(proxy_on_response_headers) int on_response_headers(unsigned context, unsigned count, unsigned end_of_stream) {
  add_header(RESPONSE_HEADERS, "x-out", 5, "from-plugin", 11);
  return CONTINUE;
}

#ifndef BARE
EXPORT(proxy_on_context_create) void on_context_create(unsigned context, unsigned parent) {}
EXPORT(proxy_on_done) int on_done(unsigned context) { return 1; }
EXPORT(proxy_on_log) void on_log(unsigned context) {}
EXPORT(proxy_on_delete) void on_delete(unsigned context) {}
#endif
