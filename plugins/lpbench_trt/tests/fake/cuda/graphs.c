/* Capture of a stream into a graph, graphs, and launches by the module tensorrt. */

#define _GNU_SOURCE
#include "fake.h"
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static graph **graphs;
static int graph_count, first_graph;
#define KIND(executable) ((executable) ? "executable graph" : "graph")

static graph *make_graph(int executable) {
    graph *fresh = calloc(1, sizeof *fresh);
    *fresh = (graph){.alive = 1, .executable = executable};
    graphs = realloc(graphs, (graph_count + 1) * sizeof *graphs);
    made(KIND(executable), (uintptr_t)fresh);
    return graphs[graph_count++] = fresh;
}

static graph *graph_of(void *handle, int executable, int *code) {
    graph *found = NULL;
    for (int i = 0; i < graph_count; i++) if (graphs[i] == handle) found = graphs[i];
    *code = INVALID_VALUE;
    if (!found || found->executable != executable) misuse(running(), executable ? "not an executable graph" : "not a graph");
    else if (!found->alive) misuse(running(), "graph used after destroy");
    else *code = SUCCESS;
    return *code ? NULL : found;
}

static void (*dropped)(uint64_t token);

/* For the module tensorrt: what is told which launches will not be done again. */
void fake_on_drop(void (*call)(uint64_t token)) { dropped = call; }

static int captured(uint64_t token) {
    for (int i = 0; i < graph_count; i++)
        for (int k = 0; graphs[i]->alive && k < graphs[i]->body.count; k++)
            if (graphs[i]->body.items[k].what == LAUNCH && graphs[i]->body.items[k].token == token) return 1;
    return 0;
}

/* Forgets the launches that no other graph has. */
static void drop(tasks *body) {
    for (int i = 0; i < body->count; i++) {
        uint64_t token = body->items[i].token;
        if (dropped && body->items[i].what == LAUNCH && !captured(token) && !awaits(token)) dropped(token);
    }
    free(body->items);
    *body = (tasks){NULL, 0, 0};
}

int cudaStreamBeginCapture(void *handle, int mode) {
    stream *on;
    API("cudaStreamBeginCapture", UNKNOWN);
    on = stream_of(handle, &code);
    if (code) return end(code);
    if ((uintptr_t)handle <= 1) { misuse(running(), "the default stream"); return end(CAPTURE_UNSUPPORTED); }
    if (mode < 0 || mode > 2 || on->capturing) { misuse(running(), "an unknown mode, or it captures already"); return end(ILLEGAL_STATE); }
    code = drain(on);
    on->capturing = 1;
    on->invalidated = 0;
    on->mode = mode;
    on->thread = syscall(SYS_gettid);
    return end(code);
}

int cudaStreamEndCapture(void *handle, void **result) {
    int invalidated;
    RELEASE("cudaStreamEndCapture");
    int done;
    stream *on = stream_of(handle, &done);
    if (result) *result = NULL;
    if (done) return end(code ? code : done);
    if (!on->capturing || !result) { misuse(running(), "nothing is captured, or NULL"); return end(code ? code : ILLEGAL_STATE); }
    if (on->mode != 2 && on->thread != syscall(SYS_gettid)) { misuse(running(), "capture ended by another thread"); return end(908); }
    invalidated = on->invalidated;
    tasks body = on->queue;
    on->queue = (tasks){NULL, 0, 0};
    on->capturing = on->invalidated = 0;
    if (code || invalidated) { drop(&body); return end(code ? code : CAPTURE_INVALIDATED); }
    graph *captured = make_graph(0);
    captured->body = body;
    *result = captured;
    return end(SUCCESS);
}

int cudaStreamIsCapturing(void *handle, int *status) {
    stream *on;
    API("cudaStreamIsCapturing", UNKNOWN);
    on = stream_of(handle, &code);
    if (!code) *status = on->capturing ? 1 + on->invalidated : 0;
    return end(code);
}

static int instantiate(void **result, void *handle, unsigned long long flags) {
    int code;
    graph *from = graph_of(handle, 0, &code), *fresh;
    if (code) return code;
    if (!result || flags & ~15ULL) { misuse(running(), "NULL, or unknown flags"); return INVALID_VALUE; }
    fresh = make_graph(1);
    for (int i = 0; i < from->body.count; i++) append(&fresh->body, &from->body.items[i]);
    *result = fresh;
    return SUCCESS;
}

int cudaGraphInstantiate(void **result, void *handle, unsigned long long flags) {
    API("cudaGraphInstantiate", MEMORY_ALLOCATION);
    return end(instantiate(result, handle, flags));
}

int cudaGraphInstantiateWithFlags(void **result, void *handle, unsigned long long flags) {
    API("cudaGraphInstantiateWithFlags", MEMORY_ALLOCATION);
    return end(instantiate(result, handle, flags));
}

/* Whether the memory that a node uses is still there. */
static int usable(task *each) {
    int code = SUCCESS, ignored = 0;
    if (each->what == COPY && (code = copy_allowed(each->to, each->from, each->size, 4, &ignored))) return code;
    if (each->what == SET && !at(each->to, each->size, "destination", &code)) return code;
    for (int i = 0; i < each->count; i++) if (!at((void *)(uintptr_t)each->addresses[i], 0, "tensor address", &code)) return code;
    return SUCCESS;
}

int cudaGraphLaunch(void *handle, void *where) {
    graph *found;
    stream *on;
    API("cudaGraphLaunch", UNKNOWN);
    found = graph_of(handle, 1, &code);
    on = code ? NULL : stream_of(where, &code);
    for (int i = 0; !code && i < found->body.count; i++) code = usable(&found->body.items[i]);
    for (int i = 0; !code && i < found->body.count; i++) code = put(on, &found->body.items[i]);
    return end(code);
}

int cudaGraphUpload(void *handle, void *where) {
    API("cudaGraphUpload", UNKNOWN);
    graph_of(handle, 1, &code);
    if (!code) stream_of(where, &code);
    return end(code);
}

int cudaGraphGetNodes(void *handle, void **nodes, size_t *count) {
    graph *found;
    API("cudaGraphGetNodes", UNKNOWN);
    found = graph_of(handle, 0, &code);
    if (!code && count && !nodes) *count = (size_t)found->body.count;
    return end(code);
}

static int destroy(void *handle, int executable) {
    int code;
    graph *found = graph_of(handle, executable, &code);
    if (!found) return code;
    found->alive = 0;
    gone(KIND(executable), (uintptr_t)found);
    drop(&found->body);
    return code;
}

int cudaGraphDestroy(void *handle) { RELEASE("cudaGraphDestroy"); int done = destroy(handle, 0); return end(code ? code : done); }
int cudaGraphExecDestroy(void *handle) { RELEASE("cudaGraphExecDestroy"); int done = destroy(handle, 1); return end(code ? code : done); }

void graphs_begin(void) { first_graph = graph_count; }

void unreleased_graphs(void (*say)(const char *, uint64_t, size_t)) {
    for (int i = first_graph; i < graph_count; i++)
        if (graphs[i]->alive) say(KIND(graphs[i]->executable), (uintptr_t)graphs[i], 0);
}

/* For the module tensorrt: work on a stream that reads and writes device memory. */
int fake_launch(const char *name, void *handle, kernel call, uint64_t token, uint64_t nanoseconds, const uint64_t *addresses, int count) {
    int code;
    stream *on;
    enter();
    begin_name(name);
    on = stream_of(handle, &code);
    if (code || lost()) { leave(); return code ? code : lost(); }
    task given = {.what = LAUNCH, .call = call, .token = token, .nanoseconds = nanoseconds};
    for (int i = 0; i < count && i < MOST_ADDRESSES; i++) given.addresses[given.count++] = addresses[i];
    code = put(on, &given);
    leave();
    return code;
}

/* 0: ready; 1: work is pending; 2: it captures; -1: not a stream of this device. */
int fake_state(const char *name, void *handle) {
    int code;
    stream *on;
    enter();
    begin_name(name);
    on = stream_of(handle, &code);
    leave();
    return code ? -1 : on->capturing ? 2 : on->queue.count ? 1 : 0;
}

int fake_drain(const char *name, void *handle) {
    int code;
    stream *on;
    enter();
    begin_name(name);
    on = stream_of(handle, &code);
    code = code ? code : drain(on);
    leave();
    return code;
}

/* A call that cannot be captured was made: the capture is worth nothing. */
void fake_invalidate(void *handle) {
    int code;
    enter();
    stream *on = stream_of(handle, &code);
    if (!code && on->capturing) on->invalidated = 1;
    leave();
}
