/* Allocations, and copies between them.  FAKE_DEVICE_MEMORY=BYTES says how much a device has. */

#include "fake.h"
#include <stdlib.h>
#include <string.h>

#define LOWEST 0x00d0000000000000ULL    /* no process can read here */
#define GAP 4096                        /* between allocations, so that one byte too far is nobody's */

#define KIND(kind) ((kind) == DEVICE_MEMORY ? "device memory" : "pinned memory")

enum { HOST_TO_HOST, HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE, ANY_DIRECTION };
enum { FRESH = 0xcd, FREED = 0xdd };

static allocation *all;
static int count, room, first;
static uint64_t next = LOWEST;

void memory_begin(void) { first = count; }
size_t total_memory(void) { return (size_t)number_of("FAKE_DEVICE_MEMORY", 8L << 30); }

size_t used_memory(int device) {
    size_t used = 0;
    for (int i = first; i < count; i++)
        if (all[i].alive && all[i].kind == DEVICE_MEMORY && all[i].device == device) used += all[i].size;
    return used;
}

static allocation *containing(const void *address) {
    uint64_t wanted = (uint64_t)(uintptr_t)address;
    for (int i = count - 1; i >= 0; i--)
        if (wanted >= all[i].address && wanted < all[i].address + (all[i].size ? all[i].size : 1)) return &all[i];
    return NULL;
}

/* Returns the allocation that holds the bytes; NULL and a line in the ledger where there is none. */
allocation *at(const void *address, size_t size, const char *what, int *code) {
    allocation *found = containing(address);
    uint64_t start = (uint64_t)(uintptr_t)address;
    *code = INVALID_VALUE;
    if (!found) misuse(running(), "%s 0x%llx is in no allocation", what, (unsigned long long)start);
    else if (!found->alive) misuse(running(), "%s 0x%llx is used after free", what, (unsigned long long)start);
    else if (start + size > found->address + found->size)
        misuse(running(), "%s 0x%llx: %zu bytes go beyond an allocation of %zu", what, (unsigned long long)start, size, found->size);
    else { *code = SUCCESS; return found; }
    return NULL;
}

char *bytes_of(const void *address) {
    allocation *found = containing(address);
    return found ? found->bytes + ((uint64_t)(uintptr_t)address - found->address) : (char *)(uintptr_t)address;
}

static void *allocate(size_t size, int kind) {
    char *bytes = NULL;
    if (count == room) all = realloc(all, (room = 2 * room + 64) * sizeof *all);
    if (!all || posix_memalign((void **)&bytes, 4096, size ? size : 1)) return NULL;
    memset(bytes, FRESH, size);
    all[count] = (allocation){kind == DEVICE_MEMORY ? next : (uint64_t)(uintptr_t)bytes, bytes, size, kind, current_device(), 1, 0};
    if (kind == DEVICE_MEMORY) next += (size + 511) / 512 * 512 + GAP;
    made(KIND(kind), all[count].address);
    return (void *)(uintptr_t)all[count++].address;
}

static int allocate_device(void **result, size_t size) {
    if (!result) { misuse(running(), "NULL for the result"); return INVALID_VALUE; }
    if (!size) { *result = NULL; return SUCCESS; }
    if (size > total_memory() || used_memory(current_device()) > total_memory() - size) return MEMORY_ALLOCATION;
    *result = allocate(size, DEVICE_MEMORY);
    return *result ? SUCCESS : MEMORY_ALLOCATION;
}

int cudaMalloc(void **result, size_t size) {
    API("cudaMalloc", MEMORY_ALLOCATION);
    if (unsafe_in_capture()) return end(CAPTURE_UNSUPPORTED);
    return end(allocate_device(result, size));
}

static int allocate_host(void **result, size_t size) {
    if (unsafe_in_capture()) return CAPTURE_UNSUPPORTED;
    if (!result) { misuse(running(), "NULL for the result"); return INVALID_VALUE; }
    *result = size ? allocate(size, PINNED_MEMORY) : NULL;
    return size && !*result ? MEMORY_ALLOCATION : SUCCESS;
}

int cudaMallocHost(void **result, size_t size) { API("cudaMallocHost", MEMORY_ALLOCATION); return end(allocate_host(result, size)); }

int cudaHostAlloc(void **result, size_t size, unsigned flags) {
    API("cudaHostAlloc", MEMORY_ALLOCATION);
    if (flags & ~7u) { misuse(running(), "unknown flags %u", flags); return end(INVALID_VALUE); }
    return end(allocate_host(result, size));
}

static int release(void *address, int kind) {
    allocation *found = containing(address);
    if (!address) return SUCCESS;
    if (!found || found->kind != kind || found->address != (uint64_t)(uintptr_t)address) {
        misuse(running(), "0x%llx was not allocated so", (unsigned long long)(uintptr_t)address);
        return INVALID_VALUE;
    }
    if (!found->alive) { misuse(running(), "freed twice"); return INVALID_VALUE; }
    if (found->pending && !lost()) { misuse(running(), "freed while work that uses it is pending"); return INVALID_VALUE; }
    if (!lost() && unsafe_in_capture()) return CAPTURE_UNSUPPORTED;
    found->alive = 0;
    gone(KIND(kind), found->address);
    memset(found->bytes, FREED, found->size);
    if (kind == DEVICE_MEMORY) { free(found->bytes); found->bytes = NULL; } /* pinned bytes stay readable: views show FREED */
    return SUCCESS;
}

int cudaFree(void *address) { RELEASE("cudaFree"); int done = release(address, DEVICE_MEMORY); return end(code ? code : done); }
int cudaFreeHost(void *address) { RELEASE("cudaFreeHost"); int done = release(address, PINNED_MEMORY); return end(code ? code : done); }

/* One side of a copy; on_device: 1, 0, or -1 where either will do. */
static int side(const void *address, size_t size, int on_device, const char *what, int *pageable) {
    allocation *found = containing(address);
    int code, is_device = (uint64_t)(uintptr_t)address >= LOWEST;
    if (on_device == 1 && !is_device) { misuse(running(), "%s is not device memory", what); return INVALID_VALUE; }
    if (on_device == 0 && is_device) { misuse(running(), "%s is device memory", what); return INVALID_VALUE; }
    if (!address) { misuse(running(), "%s is NULL", what); return INVALID_VALUE; }
    if (is_device || found) return at(address, size, what, &code) ? SUCCESS : code;
    *pageable = 1;
    return SUCCESS;
}

int copy_allowed(const void *to, const void *from, size_t size, int kind, int *pageable) {
    int code;
    if (kind < HOST_TO_HOST || kind > ANY_DIRECTION) {
        misuse(running(), "no such direction: %d", kind);
        return INVALID_DIRECTION;
    }
    if (!size) return SUCCESS;
    code = side(to, size, kind == ANY_DIRECTION ? -1 : kind == HOST_TO_DEVICE || kind == DEVICE_TO_DEVICE, "destination", pageable);
    if (code) return code;
    return side(from, size, kind == ANY_DIRECTION ? -1 : kind == DEVICE_TO_HOST || kind == DEVICE_TO_DEVICE, "source", pageable);
}

static void hold_one(const void *address, int by) {
    allocation *found = containing(address);
    if (found) found->pending += by;
}

/* Keeps what a task uses from being freed (by = 1), or lets it go (-1). */
void hold(task *given, int by) {
    if (given->what == COPY && given->from) hold_one(given->from, by);
    if (given->what == COPY || given->what == SET) hold_one(given->to, by);
    for (int i = 0; i < given->count; i++) hold_one((void *)(uintptr_t)given->addresses[i], by);
}

int cudaMemcpy(void *to, const void *from, size_t size, int kind) {
    int pageable = 0;
    API("cudaMemcpy", UNKNOWN);
    if (unsafe_in_capture()) return end(CAPTURE_UNSUPPORTED);
    code = copy_allowed(to, from, size, kind, &pageable);
    if (!code) code = drain_device(current_device(), 1);
    if (!code && size) memmove(bytes_of(to), bytes_of(from), size);
    return end(code);
}

int cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *handle) {
    int pageable = 0;
    stream *on;
    API("cudaMemcpyAsync", UNKNOWN);
    on = stream_of(handle, &code);
    if (!code) code = copy_allowed(to, from, size, kind, &pageable);
    if (code || !size) return end(code);
    task given = {.what = COPY, .to = to, .from = from, .size = size, .nanoseconds = 1000 + size / 16};
    if (pageable) warning(running(), "pageable");
    if (pageable && on->capturing) return end(CAPTURE_UNSUPPORTED);
    if (pageable && kind == HOST_TO_DEVICE) {
        given.staged = malloc(size);
        memcpy(given.staged, bytes_of(from), size);
        given.from = NULL;
    }
    code = put(on, &given);
    return end(code || !pageable || kind == HOST_TO_DEVICE ? code : drain(on));
}

int cudaMemsetAsync(void *to, int value, size_t size, void *handle) {
    stream *on;
    API("cudaMemsetAsync", UNKNOWN);
    on = stream_of(handle, &code);
    if (code || !size) return end(code);
    if (!at(to, size, "destination", &code)) return end(code);
    task given = {.what = SET, .to = to, .value = value, .size = size, .nanoseconds = 1000 + size / 64};
    return end(put(on, &given));
}

int cudaMemset(void *to, int value, size_t size) {
    API("cudaMemset", UNKNOWN);
    if (unsafe_in_capture()) return end(CAPTURE_UNSUPPORTED);
    if (!size) return end(SUCCESS);
    if (!at(to, size, "destination", &code)) return end(code);
    code = drain_device(current_device(), 1);
    if (!code) memset(bytes_of(to), value, size);
    return end(code);
}

int cudaMemGetInfo(size_t *available, size_t *total) {
    API("cudaMemGetInfo", UNKNOWN);
    if (!available || !total) { misuse(running(), "NULL for the result"); return end(INVALID_VALUE); }
    *total = total_memory();
    *available = *total > used_memory(current_device()) ? *total - used_memory(current_device()) : 0;
    return end(SUCCESS);
}

void unreleased_memory(void (*say)(const char *, uint64_t, size_t)) {
    for (int i = first; i < count; i++)
        if (all[i].alive) say(KIND(all[i].kind), all[i].address, all[i].size);
}

/* For the module tensorrt: memory of engines and contexts, and the bytes behind an address. */
void *fake_reserve(size_t size) {
    void *result = NULL;
    enter();
    allocate_device(&result, size);
    leave();
    return result;
}

void fake_release(void *address) {
    enter();
    allocation *found = containing(address);
    if (found) { found->pending = 0; release(address, DEVICE_MEMORY); }
    leave();
}

/* The bytes of device memory for reading and writing; NULL and a line in the ledger where the caller has no right to them. */
char *fake_bytes(const char *name, void *address, size_t size) {
    int code;
    allocation *found;
    char *bytes = NULL;
    enter();
    begin_name(name);
    found = at(address, size, "tensor address", &code);
    if (found && found->kind != DEVICE_MEMORY && found->kind != PINNED_MEMORY) found = NULL;
    if (found) bytes = bytes_of(address);
    leave();
    return bytes;
}
