/* Counts calls, makes those fail that the environment names, and keeps account of misuse and of what was not released.
 *
 * FAKE_FAIL_AT=N      the N-th call of anything fails; FAKE_FAIL_AT=NAME:N the N-th call of NAME
 * FAKE_LOST_AT=N      from the N-th CUDA call on the device is lost
 * FAKE_NO_DRIVER=N    every call returns N: 35 without a driver, 100 without a device
 * FAKE_LEDGER=FILE    where the account goes, as JSON lines: misuse, warnings, what is made and what is released at once,
 *                     calls when there are many or something is released; a process may end without notice
 */

#define _GNU_SOURCE
#include "fake.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CALLS = 1 << 16, MOST_NAMES = 512, MOST_OBJECTS = 1 << 16, MOST_LINE = 1024 };

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static const char *names[MOST_NAMES];
static long counts[MOST_NAMES];
static int name_count, last, sticky, owner;
static short calls[MOST_CALLS];
static long call_count, cuda_count;
static const char *objects[MOST_OBJECTS];
static int object_count, object_first;
static char pending[1 << 15];
static size_t pending_used;
static char text[1 << 16];
static size_t text_used;
static __thread const char *current = "";

void enter(void) { pthread_mutex_lock(&lock); }
void leave(void) { pthread_mutex_unlock(&lock); }
const char *running(void) { return current; }
void begin_name(const char *name) { current = name; }
int lost(void) { return sticky; }
void lose(int code) { if (!sticky) sticky = code; }

long number_of(const char *variable, long otherwise) {
    const char *given = getenv(variable);
    return given && *given ? atol(given) : otherwise;
}

static void flush(void) {
    const char *path = getenv("FAKE_LEDGER");
    FILE *file = path && *path && owner == getpid() ? fopen(path, "a") : NULL;
    if (file) { fwrite(pending, 1, pending_used, file); fclose(file); }
    pending_used = 0;
}

static void line_of(char *line, size_t size, const char *what, const char *name, const char *detail) {
    const char *format = "{\"pid\": %d, \"what\": \"%s\", \"name\": \"%s\", \"detail\": \"%s\"}\n";
    snprintf(line, size, format, (int)getpid(), what, name, detail);
}

static void write_line(const char *what, const char *name, const char *detail, int now) {
    line_of(pending + pending_used, MOST_LINE, what, name, detail);
    pending_used += strlen(pending + pending_used);
    if (now || pending_used > sizeof pending - MOST_LINE) flush();
}

static void say(const char *what, const char *name, const char *detail) {
    char line[MOST_LINE];
    line_of(line, sizeof line, what, name, detail);
    write_line(what, name, detail, 1);
    if (text_used + strlen(line) < sizeof text) {
        strcpy(text + text_used, line);
        text_used += strlen(line);
    }
}

static void resource(const char *what, const char *kind, uint64_t id) {
    char detail[32];
    snprintf(detail, sizeof detail, "0x%llx", (unsigned long long)id);
    write_line(what, kind, detail, 1);
}

void made(const char *kind, uint64_t id) { resource("made", kind, id); }
void gone(const char *kind, uint64_t id) { resource("gone", kind, id); }

void misuse(const char *name, const char *format, ...) {
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    say("misuse", name, detail);
}

void warning(const char *name, const char *format, ...) {
    char detail[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    say("warning", name, detail);
}

static int name_index(const char *name) {
    for (int i = 0; i < name_count; i++) if (!strcmp(names[i], name)) return i;
    if (name_count == MOST_NAMES) return MOST_NAMES - 1;
    names[name_count] = strdup(name);
    return name_count++;
}

/* Counts a call of anything; whether it is the one to fail. */
static int counted(const char *name) {
    int index = name_index(name);
    const char *wanted = getenv("FAKE_FAIL_AT"), *colon = wanted ? strrchr(wanted, ':') : NULL;
    if (!owner) owner = getpid();
    if (call_count < MOST_CALLS) {
        calls[call_count] = (short)index;
        write_line("call", names[index], "", 0);
    }
    call_count++;
    counts[index]++;
    if (!wanted || !*wanted) return 0;
    if (!colon) return atol(wanted) == call_count;
    return strlen(name) == (size_t)(colon - wanted) && !strncmp(name, wanted, colon - wanted) && atol(colon + 1) == counts[index];
}

int begin(const char *name, int failure) {
    int fails;
    enter();
    current = name;
    fails = counted(name);
    cuda_count++;
    if (number_of("FAKE_NO_DRIVER", 0)) return (int)number_of("FAKE_NO_DRIVER", 0);
    if (owner != getpid()) {
        misuse(name, "used after fork");
        return INITIALIZATION;
    }
    if (number_of("FAKE_LOST_AT", 0) && cuda_count >= number_of("FAKE_LOST_AT", 0)) lose(LAUNCH_FAILURE);
    if (sticky) return sticky;
    if (fails && failure == LAUNCH_FAILURE) lose(failure);
    return fails ? failure : SUCCESS;
}

int end(int code) {
    if (code && code != NOT_READY) last = code;
    leave();
    return code;
}

int last_error(int clear) {
    int code = last;
    if (clear) last = sticky;
    return code;
}

/* For the module tensorrt. */
int fake_call(const char *name) {
    int fails;
    enter();
    fails = counted(name);
    leave();
    return fails;
}

int fake_lost(void) { return number_of("FAKE_NO_DRIVER", 0) ? (int)number_of("FAKE_NO_DRIVER", 0) : sticky; }
void fake_misuse(const char *name, const char *detail) { enter(); misuse(name, "%s", detail); leave(); }

int fake_made(const char *kind) {
    int number = -1;
    enter();
    if (object_count < MOST_OBJECTS) objects[number = object_count++] = names[name_index(kind)];
    made(kind, (uint64_t)number);
    leave();
    return number;
}

void fake_gone(int number) {
    enter();
    if (number >= 0 && number < object_count && objects[number]) {
        gone(objects[number], (uint64_t)number);
        objects[number] = NULL;
    }
    leave();
}

/* The account as a string. */
static char *report;
static size_t report_used, report_room;

static void add(const char *line) {
    size_t length = strlen(line);
    if (report_used + length + 1 > report_room) report = realloc(report, report_room = 2 * (report_room + length + 1));
    strcpy(report + report_used, line);
    report_used += length;
}

static void add_line(const char *what, const char *name, const char *detail) {
    char line[MOST_LINE];
    line_of(line, sizeof line, what, name, detail);
    add(line);
}

static void add_unreleased(const char *kind, uint64_t address, size_t size) {
    char detail[64];
    snprintf(detail, sizeof detail, "0x%llx, %zu bytes", (unsigned long long)address, size);
    add_line("unreleased", kind, detail);
}

static void account(void) {
    report_used = 0;
    unreleased_memory(add_unreleased);
    unreleased_streams(add_unreleased);
    unreleased_graphs(add_unreleased);
    for (int i = object_first; i < object_count; i++) if (objects[i]) add_line("unreleased", objects[i], "not deleted");
    for (long i = 0; i < call_count && i < MOST_CALLS; i++) add_line("call", names[calls[i]], "");
    add(text);
}

/* Returns the whole account so far; valid until the next report. */
const char *fake_report(void) {
    enter();
    account();
    leave();
    return report;
}

/* Begins a new account: forgets counts, misuse, lost devices, the selected one, and what is still in use. */
void fake_begin(void) {
    enter();
    memset(counts, 0, sizeof counts);
    call_count = cuda_count = 0;
    last = sticky = 0;
    text_used = 0;
    text[0] = 0;
    pending_used = 0;
    object_first = object_count;
    devices_begin();
    memory_begin();
    streams_begin();
    graphs_begin();
    leave();
}

__attribute__((destructor)) static void at_exit(void) { enter(); flush(); leave(); }
