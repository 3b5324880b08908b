/* Devices and what they say of themselves.  FAKE_DEVICES=N says how many there are, FAKE_COMPUTE=87 which capability they have. */

#include "fake.h"
#include <stdio.h>
#include <string.h>

enum { MOST_DEVICES = 16 };
#define COMPUTE number_of("FAKE_COMPUTE", 87)
#ifndef CUDA_VERSION
#define CUDA_VERSION 12060
#endif

/* The first fields of cudaDeviceProp; those that follow are zero. */
typedef struct {
    char name[256];
    char uuid[16];
    char luid[8];
    unsigned luid_mask;
    size_t total_memory, shared_memory;
    int registers, warp;
    size_t pitch;
    int threads, threads_dim[3], grid[3], clock;
    size_t constant;
    int major, minor;
} properties;

static __thread int device;
static unsigned device_flags;

int current_device(void) { return device; }
void devices_begin(void) { device = 0; }
static int device_count(void) { long given = number_of("FAKE_DEVICES", 1); return given < 0 ? 0 : given > MOST_DEVICES ? MOST_DEVICES : (int)given; }
static int exists(int number) { return number >= 0 && number < device_count(); }

int cudaGetDeviceCount(int *result) {
    API("cudaGetDeviceCount", UNKNOWN);
    *result = device_count();
    return end(*result ? SUCCESS : NO_DEVICE);
}

int cudaSetDevice(int number) {
    API("cudaSetDevice", INVALID_DEVICE);
    if (!exists(number)) return end(INVALID_DEVICE);
    device = number;
    return end(SUCCESS);
}

int cudaGetDevice(int *result) { API("cudaGetDevice", UNKNOWN); *result = device; return end(SUCCESS); }

int cudaSetDeviceFlags(unsigned flags) {
    API("cudaSetDeviceFlags", UNKNOWN);
    if (flags & ~0x1fu || (flags & 7) == 3 || (flags & 7) > 4) { misuse(running(), "unknown flags %u", flags); return end(INVALID_VALUE); }
    device_flags = flags;
    return end(SUCCESS);
}

int cudaGetDeviceFlags(unsigned *flags) { API("cudaGetDeviceFlags", UNKNOWN); *flags = device_flags; return end(SUCCESS); }

int cudaDeviceGetAttribute(int *result, int attribute, int number) {
    API("cudaDeviceGetAttribute", UNKNOWN);
    if (!exists(number)) return end(INVALID_DEVICE);
    if (attribute < 1 || attribute > 150) { misuse(running(), "unknown attribute %d", attribute); return end(INVALID_VALUE); }
    switch (attribute) {
    case 13: *result = 1300000; break;  /* clock in kHz */
    case 16: *result = 16; break;       /* multiprocessors */
    case 18: *result = 1; break;        /* integrated */
    case 33: *result = number + 1; break;
    case 75: *result = (int)COMPUTE / 10; break;
    case 76: *result = (int)COMPUTE % 10; break;
    default: *result = 0;
    }
    return end(SUCCESS);
}

static int describe(void *result, int number, size_t size) {
    properties found = {.warp = 32, .threads = 1024, .major = (int)COMPUTE / 10, .minor = (int)COMPUTE % 10};
    if (!exists(number)) return INVALID_DEVICE;
    memset(result, 0, size);
    snprintf(found.name, sizeof found.name, "Fake GPU %d", number);
    memset(found.uuid, 0x10 + number, sizeof found.uuid);
    found.total_memory = total_memory();
    memcpy(result, &found, sizeof found);
    return SUCCESS;
}

#if CUDA_VERSION >= 13000
int cudaGetDeviceProperties(void *result, int number) { API("cudaGetDeviceProperties", UNKNOWN); return end(describe(result, number, 1008)); }
#else
int cudaGetDeviceProperties(void *result, int number) { API("cudaGetDeviceProperties", UNKNOWN); return end(describe(result, number, 712)); }
int cudaGetDeviceProperties_v2(void *result, int number) { API("cudaGetDeviceProperties_v2", UNKNOWN); return end(describe(result, number, 1032)); }
#endif

int cudaDeviceGetPCIBusId(char *result, int length, int number) {
    API("cudaDeviceGetPCIBusId", UNKNOWN);
    if (!exists(number)) return end(INVALID_DEVICE);
    if (!result || length < 13) { misuse(running(), "too short for a bus id: %d", length); return end(INVALID_VALUE); }
    snprintf(result, length, "0000:%02x:00.0", number + 1);
    return end(SUCCESS);
}

int cudaDriverGetVersion(int *result) {
    enter();
    *result = number_of("FAKE_NO_DRIVER", 0) == INSUFFICIENT_DRIVER ? 0 : CUDA_VERSION;
    leave();
    return SUCCESS;
}

int cudaRuntimeGetVersion(int *result) { *result = CUDA_VERSION; return SUCCESS; }

static void count_one(const char *kind, uint64_t address, size_t size) {
    (void)address; (void)size;
    misuse("cudaDeviceReset", "%s is in use", kind);
}

int cudaDeviceReset(void) {
    API("cudaDeviceReset", UNKNOWN);
    unreleased_memory(count_one);
    unreleased_streams(count_one);
    return end(SUCCESS);
}

int cudaGetLastError(void) { enter(); int code = last_error(1); leave(); return code; }
int cudaPeekAtLastError(void) { enter(); int code = last_error(0); leave(); return code; }

typedef struct { int code; const char *name, *text; } meaning;

static const meaning *meaning_of(int code) {
    static const meaning known[] = {
        {SUCCESS, "cudaSuccess", "no error"},
        {INVALID_VALUE, "cudaErrorInvalidValue", "invalid argument"},
        {MEMORY_ALLOCATION, "cudaErrorMemoryAllocation", "out of memory"},
        {INITIALIZATION, "cudaErrorInitializationError", "initialization error"},
        {INVALID_DIRECTION, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
        {INSUFFICIENT_DRIVER, "cudaErrorInsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version"},
        {NO_DEVICE, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
        {INVALID_DEVICE, "cudaErrorInvalidDevice", "invalid device ordinal"},
        {INVALID_HANDLE, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
        {ILLEGAL_STATE, "cudaErrorIllegalState", "the operation cannot be performed in the present state"},
        {NOT_READY, "cudaErrorNotReady", "device not ready"},
        {LAUNCH_FAILURE, "cudaErrorLaunchFailure", "unspecified launch failure"},
        {CAPTURE_UNSUPPORTED, "cudaErrorStreamCaptureUnsupported", "operation not permitted when stream is capturing"},
        {CAPTURE_INVALIDATED, "cudaErrorStreamCaptureInvalidated", "operation failed due to a previous error during capture"},
        {908, "cudaErrorStreamCaptureWrongThread", "attempt to terminate a thread-local capture sequence from another thread"},
        {UNKNOWN, "cudaErrorUnknown", "unknown error"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) if (known[i].code == code) return &known[i];
    return NULL;
}

const char *cudaGetErrorName(int code) { const meaning *found = meaning_of(code); return found ? found->name : "unrecognized error code"; }
const char *cudaGetErrorString(int code) { const meaning *found = meaning_of(code); return found ? found->text : "unrecognized error code"; }
