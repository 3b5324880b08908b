/* Streams, events, and the work that waits on them. */

#define _GNU_SOURCE
#include "fake.h"
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STREAM = 0x57e3a4, EVENT = 0xe7e47 };
enum { NON_BLOCKING = 1 };
enum { BLOCKING_SYNC = 1, DISABLE_TIMING = 2, INTERPROCESS = 4 };
enum { GLOBAL, THREAD_LOCAL, RELAXED };
enum { MOST_DEVICES = 16 };

static stream **streams;
static int stream_count, first_stream;
static event **events;
static int event_count, first_event;
static stream defaults[MOST_DEVICES];

static long this_thread(void) { return syscall(SYS_gettid); }

static stream *default_stream(int device) {
    stream *found = &defaults[device];
    if (!found->magic) *found = (stream){.magic = STREAM, .device = device, .alive = 1};
    return found;
}

static stream *known_stream(void *handle) {
    for (int i = 0; i < stream_count; i++) if (streams[i] == handle) return streams[i];
    return NULL;
}

/* Returns the stream, which must be one of the current device. */
stream *stream_of(void *handle, int *code) {
    stream *found = (uintptr_t)handle <= 2 ? default_stream(current_device()) : known_stream(handle);
    *code = INVALID_HANDLE;
    if (!found) misuse(running(), "not a stream");
    else if (!found->alive) misuse(running(), "stream used after destroy");
    else if (found->device != current_device()) misuse(running(), "stream of device %d used on device %d", found->device, current_device());
    else *code = SUCCESS;
    return *code ? NULL : found;
}

static event *event_of(void *handle, int *code) {
    event *found = NULL;
    for (int i = 0; i < event_count; i++) if (events[i] == handle) found = events[i];
    *code = INVALID_HANDLE;
    if (!found) misuse(running(), "not an event");
    else if (!found->alive) misuse(running(), "event used after destroy");
    else *code = SUCCESS;
    return *code ? NULL : found;
}

void append(tasks *list, const task *given) {
    if (list->count == list->room) list->items = realloc(list->items, (list->room = 2 * list->room + 16) * sizeof *list->items);
    list->items[list->count++] = *given;
}

/* Puts work on a stream, or into the graph that it captures. */
int put(stream *on, task *given) {
    if (on->capturing && on->invalidated) return CAPTURE_INVALIDATED;
    if (!on->capturing) {
        hold(given, 1);
        if (given->which) given->which->pending++;
        if (given->what == RECORD) { given->which->where = on; given->which->recorded = 0; }
    }
    append(&on->queue, given);
    return SUCCESS;
}

static int perform(stream *on, task *given) {
    int code = SUCCESS;
    hold(given, -1);
    on->clock += given->nanoseconds;
    if (given->what == COPY) memmove(bytes_of(given->to), given->staged ? given->staged : bytes_of(given->from), given->size);
    if (given->what == SET) memset(bytes_of(given->to), given->value, given->size);
    if (given->what == LAUNCH) code = given->call(given->token);
    if (given->what == RECORD) {
        given->which->pending--;
        given->which->recorded = 1;
        given->which->at = on->clock;
    }
    if (given->what == WAIT) {
        given->which->pending--;
        if (given->which->at > on->clock) on->clock = given->which->at;
    }
    free(given->staged);
    return code;
}

/* Does what waits on a stream; an error there is the device's from then on. */
int drain(stream *on) {
    tasks queue = on->queue;
    if (on->capturing) return SUCCESS;
    on->queue = (tasks){NULL, 0, 0};
    for (int i = 0; i < queue.count; i++) {
        task *each = &queue.items[i];
        if (each->what == WAIT && each->which->pending > 1 && each->which->where != on) drain(each->which->where);
        int code = perform(on, each);
        if (code) lose(code);
    }
    free(queue.items);
    return lost();
}

/* Waits for the streams of a device, or for those alone that the default stream waits for. */
int drain_device(int device, int blocking) {
    for (int i = 0; i < stream_count; i++)
        if (streams[i]->alive && streams[i]->device == device && !(blocking && streams[i]->flags & NON_BLOCKING)) drain(streams[i]);
    return drain(default_stream(device));
}

static int forbids(stream *each) {
    if (!each->alive || !each->capturing || each->mode == RELAXED) return 0;
    return each->mode == GLOBAL || each->thread == this_thread();
}

/* Whether a capture forbids a call like the one that runs; it is invalidated then. */
int unsafe_in_capture(void) {
    int found = 0;
    for (int i = 0; i < stream_count; i++)
        if (forbids(streams[i])) found = streams[i]->invalidated = 1;
    return found;
}

static int make_stream(void **result, unsigned flags) {
    stream *fresh = calloc(1, sizeof *fresh);
    if (!result) { misuse(running(), "NULL for the result"); return INVALID_VALUE; }
    if (flags & ~1u) { misuse(running(), "unknown flags %u", flags); return INVALID_VALUE; }
    *fresh = (stream){.magic = STREAM, .device = current_device(), .flags = (int)flags, .alive = 1};
    streams = realloc(streams, (stream_count + 1) * sizeof *streams);
    *result = streams[stream_count++] = fresh;
    made("stream", (uintptr_t)fresh);
    return SUCCESS;
}

int cudaStreamCreate(void **result) { API("cudaStreamCreate", MEMORY_ALLOCATION); return end(make_stream(result, 0)); }

int cudaStreamCreateWithFlags(void **result, unsigned flags) {
    API("cudaStreamCreateWithFlags", MEMORY_ALLOCATION);
    return end(make_stream(result, flags));
}

int cudaStreamDestroy(void *handle) {
    RELEASE("cudaStreamDestroy");
    int done;
    stream *found = stream_of(handle, &done);
    if (!done && (uintptr_t)handle <= 2) { misuse(running(), "the default stream"); done = INVALID_HANDLE; }
    if (!done && found->queue.count && !lost()) {
        misuse(running(), "destroyed while work on it is pending");
        drain(found);
        done = INVALID_HANDLE;
    }
    if (found && (uintptr_t)handle > 2) { found->alive = 0; gone("stream", (uintptr_t)found); }
    return end(code ? code : done);
}

int cudaStreamSynchronize(void *handle) {
    stream *on;
    API("cudaStreamSynchronize", LAUNCH_FAILURE);
    on = stream_of(handle, &code);
    if (code) return end(code);
    if (on->capturing) { on->invalidated = 1; return end(CAPTURE_UNSUPPORTED); }
    return end((uintptr_t)handle <= 2 ? drain_device(on->device, 1) : drain(on));
}

/* The first question about pending work is answered "not ready", and the work is done by the second. */
int cudaStreamQuery(void *handle) {
    stream *on;
    API("cudaStreamQuery", LAUNCH_FAILURE);
    on = stream_of(handle, &code);
    if (code) return end(code);
    if (on->capturing) { on->invalidated = 1; return end(CAPTURE_UNSUPPORTED); }
    if (!on->queue.count) return end(SUCCESS);
    return end(on->polled++ % 2 ? drain(on) : NOT_READY);
}

int cudaDeviceSynchronize(void) {
    API("cudaDeviceSynchronize", LAUNCH_FAILURE);
    if (unsafe_in_capture()) return end(CAPTURE_UNSUPPORTED);
    return end(drain_device(current_device(), 0));
}

int cudaEventCreateWithFlags(void **result, unsigned flags) {
    event *fresh;
    API("cudaEventCreateWithFlags", MEMORY_ALLOCATION);
    if (!result || flags & ~7u || (flags & INTERPROCESS && !(flags & DISABLE_TIMING))) {
        misuse(running(), "NULL, or flags that do not go together: %u", flags);
        return end(INVALID_VALUE);
    }
    fresh = calloc(1, sizeof *fresh);
    *fresh = (event){.magic = EVENT, .device = current_device(), .flags = (int)flags, .alive = 1};
    events = realloc(events, (event_count + 1) * sizeof *events);
    *result = events[event_count++] = fresh;
    made("event", (uintptr_t)fresh);
    return end(SUCCESS);
}

int cudaEventCreate(void **result) { return cudaEventCreateWithFlags(result, 0); }

int cudaEventDestroy(void *handle) {
    RELEASE("cudaEventDestroy");
    int done;
    event *found = event_of(handle, &done);
    if (found && found->pending && !lost()) { misuse(running(), "destroyed while it is pending"); done = INVALID_HANDLE; drain(found->where); }
    if (found) { found->alive = 0; gone("event", (uintptr_t)found); }
    return end(code ? code : done);
}

static int put_event(void *handle, void *where, work what) {
    int code;
    event *which = event_of(handle, &code);
    stream *on = code ? NULL : stream_of(where, &code);
    if (code) return code;
    if (what == RECORD && which->device != on->device) { misuse(running(), "event of another device"); return INVALID_HANDLE; }
    if (what == WAIT && !which->recorded && !which->pending) return SUCCESS;
    task given = {.what = what, .which = which};
    return put(on, &given);
}

int cudaEventRecord(void *handle, void *where) { API("cudaEventRecord", UNKNOWN); return end(put_event(handle, where, RECORD)); }

int cudaStreamWaitEvent(void *where, void *handle, unsigned flags) {
    API("cudaStreamWaitEvent", UNKNOWN);
    return end(flags ? INVALID_VALUE : put_event(handle, where, WAIT));
}

int cudaEventSynchronize(void *handle) {
    event *which;
    API("cudaEventSynchronize", LAUNCH_FAILURE);
    which = event_of(handle, &code);
    if (code) return end(code);
    if (unsafe_in_capture()) return end(CAPTURE_UNSUPPORTED);
    return end(which->pending ? drain(which->where) : SUCCESS);
}

int cudaEventQuery(void *handle) {
    event *which;
    API("cudaEventQuery", LAUNCH_FAILURE);
    which = event_of(handle, &code);
    if (code || !which->pending) return end(code);
    if (unsafe_in_capture()) return end(CAPTURE_UNSUPPORTED);
    return end(which->where->polled++ % 2 ? drain(which->where) : NOT_READY);
}

int cudaEventElapsedTime(float *milliseconds, void *from, void *to) {
    event *first, *second;
    API("cudaEventElapsedTime", UNKNOWN);
    first = event_of(from, &code);
    second = code ? NULL : event_of(to, &code);
    if (code) return end(code);
    if (!milliseconds) { misuse(running(), "NULL for the result"); return end(INVALID_VALUE); }
    if ((first->flags | second->flags) & DISABLE_TIMING) { misuse(running(), "an event without timing"); return end(INVALID_HANDLE); }
    if (first->pending || second->pending) return end(NOT_READY);
    if (!first->recorded || !second->recorded) { misuse(running(), "an event that was never recorded"); return end(INVALID_HANDLE); }
    *milliseconds = (float)(((double)second->at - (double)first->at) / 1e6);
    return end(SUCCESS);
}

int awaits(uint64_t token) {
    for (int i = 0; i < stream_count; i++)
        for (int k = 0; k < streams[i]->queue.count; k++)
            if (streams[i]->queue.items[k].what == LAUNCH && streams[i]->queue.items[k].token == token) return 1;
    return 0;
}

void streams_begin(void) { first_stream = stream_count; first_event = event_count; }

void unreleased_streams(void (*say)(const char *, uint64_t, size_t)) {
    for (int i = first_stream; i < stream_count; i++) if (streams[i]->alive) say("stream", (uintptr_t)streams[i], 0);
    for (int i = first_event; i < event_count; i++) if (events[i]->alive) say("event", (uintptr_t)events[i], 0);
}
