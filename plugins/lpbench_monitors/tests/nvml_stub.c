/* A libnvidia-ml.so.1 without a GPU, for the tests of the NVML monitor.
 *
 * NVML_STUB holds words that say how it behaves:
 *   two            two GPUs instead of one
 *   jetson         "Orin (nvgpu)", which answers NOT_SUPPORTED to all
 *   mig            divided: no utilisation, no memory of processes
 *   no-permission  NO_PERMISSION for power, energy and the lists of processes
 *   lost           the last GPU is lost from the second sample on
 *   restart        the energy counter starts anew at the third sample
 *   hang, crash    in the question for power, from the second sample on
 *   hot            slowed down by heat; idle: the bits of an idle GPU with set clocks
 *   draws          its process draws as well as computes
 *   elsewhere      lists the process under another number, as in a container
 *   nonsense       numbers that cannot be
 *   none           no GPU
 *   init=N, handle=N, power=N  the error of nvmlInit, of each handle, and of the question for power
 * -DOLD leaves out what older drivers lack; -DANCIENT leaves out nvmlInitWithFlags.
 *
 * Misuse ends the process with status 70: a question before nvmlInit, an unknown device, a NULL, a wrong version.
 * Structures, versions and error codes are those of NVIDIA's NVML API reference.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NO_PERMISSION = 4, INSUFFICIENT_SIZE = 7,
       GPU_IS_LOST = 15 };
enum { MISUSE = 70 };
#define NOT_AVAILABLE (~0ULL)
#define MIB (1ULL << 20)

typedef struct { int number; int samples; } device;
typedef struct { unsigned version; unsigned sensor; int celsius; } temperature;
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory2;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process;
typedef struct { unsigned gpu, memory; } utilisation;

static device devices[2] = {{0, 0}, {1, 0}};
static int users;

static void misuse(const char *what) { fprintf(stderr, "NVML misused: %s\n", what); _exit(MISUSE); }

/* Whether a word stands in NVML_STUB. */
static int is(const char *word) {
    char words[256] = " ", wanted[64];
    const char *given = getenv("NVML_STUB");
    snprintf(words, sizeof words, " %s ", given ? given : "");
    snprintf(wanted, sizeof wanted, " %s ", word);
    return strstr(words, wanted) != NULL;
}

static int number_of(const char *key) {
    const char *given = getenv("NVML_STUB"), *found = given ? strstr(given, key) : NULL;
    return found ? atoi(found + strlen(key)) : 0;
}

static int count(void) { return is("two") ? 2 : 1; }

/* Every question about a device begins here. */
static int asked(device *gpu, const void *result) {
    if (!users) misuse("not initialised");
    if (gpu != &devices[0] && gpu != &devices[1]) misuse("unknown device");
    if (!result) misuse("NULL for the result");
    if (is("lost") && gpu->number == count() - 1 && gpu->samples > 1) return GPU_IS_LOST;
    return is("jetson") ? NOT_SUPPORTED : OK;
}

#ifndef ANCIENT
int nvmlInitWithFlags(unsigned flags) {
    int failed = number_of("init=");
    if (flags) misuse("flags");
    if (!failed) users++;
    return failed;
}
#endif

int nvmlShutdown(void) {
    if (!users--) misuse("shut down more often than initialised");
    return OK;
}

int nvmlDeviceGetCount_v2(unsigned *result) {
    if (!users || !result) misuse("nvmlDeviceGetCount_v2");
    *result = is("none") ? 0 : count();
    return OK;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **result) {
    if (!users || !result) misuse("nvmlDeviceGetHandleByIndex_v2");
    if (index >= (unsigned)count()) return INVALID_ARGUMENT;
    *result = &devices[index];
    return number_of("handle=");
}

int nvmlDeviceGetName(device *gpu, char *result, unsigned length) {
    if (!users || !gpu || !result) misuse("nvmlDeviceGetName");
    snprintf(result, length, "%s", is("nonsense") ? "\xff\xfe" : is("jetson") ? "Orin (nvgpu)" : "Stub H1");
    return OK;
}

int nvmlDeviceGetUUID(device *gpu, char *result, unsigned length) {
    if (!users || !gpu || !result) misuse("nvmlDeviceGetUUID");
    snprintf(result, length, "GPU-%d7e1c0de-0000-4000-8000-00000000000%d", gpu->number, gpu->number);
    return is("jetson") ? NOT_SUPPORTED : OK;
}

int nvmlDeviceGetMigMode(device *gpu, unsigned *current, unsigned *pending) {
    int failed = asked(gpu, current && pending ? current : NULL);
    if (failed || !is("mig")) return failed ? failed : NOT_SUPPORTED;
    *current = *pending = 1;
    return OK;
}

/* The first question of a sample. */
int nvmlDeviceGetUtilizationRates(device *gpu, utilisation *result) {
    int failed;
    if (gpu) gpu->samples++;
    failed = asked(gpu, result);
    if (failed || is("mig")) return failed ? failed : NOT_SUPPORTED;
    result->gpu = is("nonsense") ? 4000000000u : 30 + 40 * gpu->number;
    result->memory = 5;
    return OK;
}

int nvmlDeviceGetMemoryInfo(device *gpu, memory *result) {
    int failed = asked(gpu, result);
    if (failed) return failed;
    result->total = 8000 * MIB;
    result->used = is("nonsense") ? NOT_AVAILABLE - 1 : 1500 * MIB; /* with what is reserved */
    result->free = result->total - result->used;
    return OK;
}

static int processes(device *gpu, unsigned *length, process *result, int listed) {
    int failed = asked(gpu, length);
    if (failed || is("no-permission")) return failed ? failed : NO_PERMISSION;
    if (!listed) { *length = 0; return OK; }
    if (*length < 2) { *length = 2; return INSUFFICIENT_SIZE; }
    if (!result) misuse("NULL for the list");
    result[0] = (process){1, 64 * MIB, ~0u, ~0u};
    result[1] = (process){getpid() + (is("elsewhere") ? 1000000 : 0), 256 * MIB, ~0u, ~0u};
    if (is("mig")) result[1].used = NOT_AVAILABLE;
    if (is("nonsense")) result[1].used = NOT_AVAILABLE - 1;
    *length = 2;
    return OK;
}

int nvmlDeviceGetComputeRunningProcesses_v2(device *gpu, unsigned *length, process *result) {
    return processes(gpu, length, result, 1);
}

int nvmlDeviceGetGraphicsRunningProcesses_v2(device *gpu, unsigned *length, process *result) {
    return processes(gpu, length, result, is("draws"));
}

int nvmlDeviceGetTemperature(device *gpu, unsigned sensor, unsigned *result) {
    int failed = asked(gpu, result);
    if (sensor) misuse("unknown sensor");
    if (!failed) *result = is("nonsense") ? ~0u - 263 : 50 + gpu->number;
    return failed;
}

int nvmlDeviceGetClockInfo(device *gpu, unsigned kind, unsigned *result) {
    int failed = asked(gpu, result);
    if (kind != 1) misuse("the SM's clock was expected");
    if (!failed) *result = is("nonsense") ? 0 : 1200 + 300 * gpu->number;
    return failed;
}

int nvmlDeviceGetCurrentClocksThrottleReasons(device *gpu, unsigned long long *result) {
    int failed = asked(gpu, result);
    if (!failed) *result = is("hot") ? 0x48 : is("idle") ? 0x113 : 0;
    return failed;
}

int nvmlDeviceGetPowerUsage(device *gpu, unsigned *result) {
    int failed = asked(gpu, result);
    if (is("hang") && gpu->samples > 1) for (;;) pause();
    if (is("crash") && gpu->samples > 1) raise(SIGSEGV);
    if (failed || is("no-permission")) return failed ? failed : NO_PERMISSION;
    if (number_of("power=")) return number_of("power=");
    *result = is("nonsense") ? ~0u : 61250 + 10000 * gpu->number;
    return OK;
}

#ifndef OLD
static void version(unsigned given, unsigned wanted) { if (given != wanted) misuse("wrong version of a structure"); }

int nvmlDeviceGetMemoryInfo_v2(device *gpu, memory2 *result) {
    int failed = asked(gpu, result);
    version(result->version, sizeof *result | 2u << 24);
    if (failed) return failed;
    result->total = 8000 * MIB;
    result->reserved = 500 * MIB;
    result->used = is("nonsense") ? NOT_AVAILABLE - 1 : 1000 * MIB;
    result->free = result->total - result->used - result->reserved;
    return OK;
}

int nvmlDeviceGetComputeRunningProcesses_v3(device *gpu, unsigned *length, process *result) {
    return nvmlDeviceGetComputeRunningProcesses_v2(gpu, length, result);
}

int nvmlDeviceGetGraphicsRunningProcesses_v3(device *gpu, unsigned *length, process *result) {
    return nvmlDeviceGetGraphicsRunningProcesses_v2(gpu, length, result);
}

int nvmlDeviceGetTemperatureV(device *gpu, temperature *result) {
    int failed = asked(gpu, result);
    version(result->version, sizeof *result | 1u << 24);
    if (result->sensor) misuse("unknown sensor");
    if (!failed) result->celsius = is("nonsense") ? -263 : 50 + gpu->number;
    return failed;
}

int nvmlDeviceGetCurrentClocksEventReasons(device *gpu, unsigned long long *result) {
    return nvmlDeviceGetCurrentClocksThrottleReasons(gpu, result);
}

/* 6 J a sample, from 1 kJ on. */
int nvmlDeviceGetTotalEnergyConsumption(device *gpu, unsigned long long *result) {
    int failed = asked(gpu, result), anew = is("restart") && gpu->samples >= 3;
    if (failed || is("no-permission")) return failed ? failed : NO_PERMISSION;
    *result = is("nonsense") ? NOT_AVAILABLE : anew ? gpu->samples - 3 : 1000000;
    if (!is("nonsense")) *result += 6000ULL * (anew ? gpu->samples - 3 : gpu->samples);
    return OK;
}
#endif
