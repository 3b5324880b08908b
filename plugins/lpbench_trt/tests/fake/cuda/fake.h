/* A CUDA runtime without a GPU: what its parts share.  Names, structures and codes are those of NVIDIA's CUDA runtime API.
 *
 * Device memory is host memory behind addresses that cannot be read.  What is put on a stream is done when something waits
 * for it.  Time is modelled: every operation takes a number of nanoseconds that depends on its size alone.
 * Whoever misuses the interface gets an error code, and a line in the ledger.
 */

#ifndef FAKE_H
#define FAKE_H

#include <stddef.h>
#include <stdint.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, MEMORY_ALLOCATION = 2, INITIALIZATION = 3, INVALID_DIRECTION = 21,
       INSUFFICIENT_DRIVER = 35, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_HANDLE = 400, NOT_READY = 600,
       LAUNCH_FAILURE = 719, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901, ILLEGAL_STATE = 401, UNKNOWN = 999 };

typedef enum { COPY, SET, LAUNCH, RECORD, WAIT } work;

/* What runs when a launch is due; a token tells the launches apart.  Returns an error code. */
typedef int (*kernel)(uint64_t token);

enum { MOST_ADDRESSES = 64 };

typedef struct event event;
typedef struct {
    work what;
    void *to;
    const void *from;
    void *staged;           /* the bytes of memory that was not pinned, taken when the copy was asked for */
    size_t size;
    int value;
    event *which;
    kernel call;
    uint64_t token;
    uint64_t nanoseconds;
    uint64_t addresses[MOST_ADDRESSES];  /* what a launch reads and writes */
    int count;
} task;

typedef struct { task *items; int count, room; } tasks;

typedef struct stream {
    int magic, device, flags, alive;
    uint64_t clock;         /* modelled nanoseconds */
    tasks queue;
    int capturing, invalidated, mode;
    long thread;
    int polled;
} stream;

struct event { int magic, device, flags, alive, recorded, pending; uint64_t at; stream *where; };

typedef struct { int magic, alive, executable; tasks body; } graph;

enum { DEVICE_MEMORY = 1, PINNED_MEMORY = 2 };

typedef struct { uint64_t address; char *bytes; size_t size; int kind, device, alive, pending; } allocation;

/* ledger.c */
void enter(void);
void leave(void);
int begin(const char *name, int failure);       /* counts a call; what it has to return, or SUCCESS */
int end(int code);                              /* keeps the last error, and lets others in */
void misuse(const char *name, const char *format, ...);
void warning(const char *name, const char *format, ...);
void lose(int code);                            /* from here on every call returns the code */
int lost(void);
long number_of(const char *variable, long otherwise);
void made(const char *kind, uint64_t id);         /* something that has to be released, and its release */
void gone(const char *kind, uint64_t id);
const char *running(void);                      /* the call that began last */
void begin_name(const char *name);               /* says which call is running, without counting it */
int last_error(int clear);

/* memory.c */
allocation *at(const void *address, size_t size, const char *what, int *code);
int copy_allowed(const void *to, const void *from, size_t size, int kind, int *pageable);
char *bytes_of(const void *address);
void hold(task *given, int by);
void unreleased_memory(void (*say)(const char *, uint64_t, size_t));
void memory_begin(void);                        /* what is in use from now on is another account's */
size_t used_memory(int device);
size_t total_memory(void);

/* streams.c */
stream *stream_of(void *handle, int *code);
int put(stream *on, task *given);
int drain(stream *on);
int drain_device(int device, int blocking);
int unsafe_in_capture(void);
void append(tasks *list, const task *given);
void streams_begin(void);
void unreleased_streams(void (*say)(const char *, uint64_t, size_t));

/* graphs.c */
int awaits(uint64_t token);                     /* whether a launch is still to be done */
void graphs_begin(void);
void unreleased_graphs(void (*say)(const char *, uint64_t, size_t));

/* device.c */
int current_device(void);
void devices_begin(void);                       /* the calling thread has device 0 selected, as a new one has */

#define API(name, failure) int code = begin(name, failure); if (code) return end(code)
#define RELEASE(name) int code = begin(name, UNKNOWN)   /* an injected failure releases nevertheless, as CUDA may do */

#endif
