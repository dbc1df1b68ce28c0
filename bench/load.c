/*
** load.c - a load client for one HTTP/1.1 server on loopback: so many connections, kept alive, each
** with one request at a time; prints rate and latencies. `make bench-openresty` uses it.
**
** DESIGN. One thread, epoll, blocking nothing. A connection is sending (its request fits into any
** socket buffer, so one send does), receiving (until as much is there as the head promises),
** pausing (a list ordered by time, all pauses being equally long), or, with --rate, free. A latency
** is the time from send to the last byte.
**
** Without --rate a connection asks again when it is answered (or has paused). Where all answers
** take equally long, connections that once asked together do so for ever: a server sees them in
** bursts that no crowd of customers makes. With --rate requests begin evenly instead, on whichever
** connection is free: N a second that take S seconds each are N times S in flight. `least` is the
** least number that was in flight when an answer came, the first SETTLING seconds left out; `late`
** counts the requests that found no connection free.
**
** Waiting is exact to some microseconds, and costs no time on the processor. --realtime asks for a
** real-time priority, so that what is measured is the server, not how long this client waits for a
** processor once its answer is there.
**
** usage: load --port N --path PATH [--connections N] [--requests N] [--seconds S] [--pause MS]
**             [--rate N] [--realtime PRIORITY]
*/
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_REPLY 16384
#define SETTLING  0.5

struct options {
  const char *path;
  long port, connections, requests, realtime;
  double seconds, pause, rate;
};

struct connection {
  int fd;
  size_t len;
  double began, due;
  struct connection *next; /* among those that pause, or are free */
  char reply[MAX_REPLY + 1];
};

struct load {
  struct options options;
  char request[512];
  size_t request_len;
  int epoll;
  double began, *latencies, next_at;
  long started, finished, failed, late, least;
  struct connection *pausing, **pausing_end, *idle;
};

static double now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int dial(long port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  return fd;
}

static bool over(const struct load *load) {
  if (load->started >= load->options.requests) return true;
  return load->options.seconds > 0 && now() - load->began > load->options.seconds;
}

static void ask(struct load *load, struct connection *conn) {
  if (over(load)) return;
  load->started++;
  conn->len = 0;
  conn->began = now();
  if (send(conn->fd, load->request, load->request_len, MSG_NOSIGNAL) != (ssize_t)load->request_len)
    die("send");
}

static void rest(struct load *load, struct connection *conn) {
  if (load->options.rate > 0) {
    conn->next = load->idle;
    load->idle = conn;
    return;
  }
  if (load->options.pause <= 0) {
    ask(load, conn);
    return;
  }
  conn->due = now() + load->options.pause;
  conn->next = NULL;
  *load->pausing_end = conn;
  load->pausing_end = &conn->next;
}

/* Begins what is due by the clock. Seconds until more is; negative: nothing will be. */
static double begin_due(struct load *load) {
  while (!over(load)) {
    struct connection *conn = load->idle;
    double left = load->next_at - now();

    if (left > 0) return left;
    if (conn == NULL) {
      load->late++;
      load->next_at = now();
      return -1;
    }
    load->idle = conn->next;
    load->next_at += 1 / load->options.rate;
    ask(load, conn);
  }
  return -1;
}

/* The same for those whose pause is over. */
static double wake(struct load *load) {
  while (load->pausing != NULL) {
    struct connection *conn = load->pausing;
    double left = conn->due - now();

    if (left > 0) return left;
    load->pausing = conn->next;
    if (load->pausing == NULL) load->pausing_end = &load->pausing;
    ask(load, conn);
  }
  return -1;
}

/* Is the whole reply there? Its length stands in the head. */
static bool complete(const struct connection *conn) {
  const char *end = strstr(conn->reply, "\r\n\r\n");
  const char *length = strcasestr(conn->reply, "\r\nContent-Length:");
  size_t wanted;

  if (end == NULL) return false;
  if (length == NULL || length > end) {
    fprintf(stderr, "load: a reply without Content-Length:\n%s\n", conn->reply);
    exit(1);
  }
  wanted = (size_t)(end + 4 - conn->reply) + strtoul(length + 17, NULL, 10);
  return conn->len >= wanted;
}

static void receive(struct load *load, struct connection *conn) {
  ssize_t got = recv(conn->fd, conn->reply + conn->len, MAX_REPLY - conn->len, MSG_DONTWAIT);

  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) die("the server closed a connection");
  conn->len += (size_t)got;
  conn->reply[conn->len] = '\0';
  if (!complete(conn)) return;
  load->latencies[load->finished++] = now() - conn->began;
  if (now() - load->began > SETTLING && !over(load) && load->started - load->finished < load->least)
    load->least = load->started - load->finished;
  if (strncmp(conn->reply + 8, " 200", 4) != 0 && load->failed++ == 0)
    fprintf(stderr, "load: %s\n", conn->reply);
  rest(load, conn);
}

static void open_all(struct load *load) {
  for (long i = 0; i < load->options.connections; i++) {
    struct connection *conn = calloc(1, sizeof *conn);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    if (conn == NULL) die("calloc");
    conn->fd = dial(load->options.port);
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0) die("epoll_ctl");
    if (load->options.rate <= 0) {
      ask(load, conn);
      continue;
    }
    conn->next = load->idle;
    load->idle = conn;
  }
  load->next_at = now();
}

static int wait_for(struct load *load, struct epoll_event *events, int most, double seconds) {
  struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};

  return epoll_pwait2(load->epoll, events, most, seconds < 0 ? NULL : &time, NULL);
}

static void run(struct load *load) {
  struct epoll_event events[256];

  load->began = now();
  load->least = load->options.connections;
  open_all(load);
  for (;;) {
    double left = load->options.rate > 0 ? begin_due(load) : wake(load);
    int count;
    if (load->finished == load->started && over(load)) return;
    count = wait_for(load, events, 256, left);
    for (int i = 0; i < count; i++) receive(load, events[i].data.ptr);
  }
}

/* A timer may be late by 50 us where nothing else is asked for. */
static void be_punctual(const struct load *load) {
  struct sched_param param = {.sched_priority = (int)load->options.realtime};

  prctl(PR_SET_TIMERSLACK, 1000UL);
  if (param.sched_priority > 0 && sched_setscheduler(0, SCHED_FIFO, &param) != 0)
    fprintf(stderr,
            "load: no real-time priority (%s): what this client waits for a processor is "
            "measured, too\n",
            strerror(errno));
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;

  return x < y ? -1 : x > y;
}

static double percentile(const struct load *load, double part) {
  return load->latencies[(size_t)((double)(load->finished - 1) * part)] * 1e3;
}

static struct options read_options(int argc, char **argv) {
  struct options options = {.connections = 1, .requests = 1000};

  for (int i = 1; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (strcmp(name, "--port") == 0) options.port = strtol(value, NULL, 10);
    if (strcmp(name, "--path") == 0) options.path = value;
    if (strcmp(name, "--connections") == 0) options.connections = strtol(value, NULL, 10);
    if (strcmp(name, "--requests") == 0) options.requests = strtol(value, NULL, 10);
    if (strcmp(name, "--seconds") == 0) options.seconds = strtod(value, NULL);
    if (strcmp(name, "--pause") == 0) options.pause = strtod(value, NULL) / 1e3;
    if (strcmp(name, "--rate") == 0) options.rate = strtod(value, NULL);
    if (strcmp(name, "--realtime") == 0) options.realtime = strtol(value, NULL, 10);
  }
  if (options.port > 0 && options.path != NULL && options.requests > 0) return options;
  fprintf(stderr, "usage: load --port N --path PATH [--connections N] [--requests N] "
                  "[--seconds S] [--pause MS] [--rate N] [--realtime PRIORITY]\n");
  exit(2);
}

int main(int argc, char **argv) {
  struct load load = {.options = read_options(argc, argv), .epoll = epoll_create1(0)};
  double seconds;

  be_punctual(&load);
  load.pausing_end = &load.pausing;
  load.latencies = calloc((size_t)load.options.requests, sizeof *load.latencies);
  if (load.latencies == NULL || load.epoll < 0) die("start");
  load.request_len =
      (size_t)snprintf(load.request, sizeof load.request,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", load.options.path);
  run(&load);
  seconds = now() - load.began;
  qsort(load.latencies, (size_t)load.finished, sizeof *load.latencies, ascending);
  printf("requests=%ld seconds=%.6f failed=%ld p50=%.3f p99=%.3f max=%.3f least=%ld late=%ld\n",
         load.finished, seconds, load.failed, percentile(&load, 0.5), percentile(&load, 0.99),
         percentile(&load, 1), load.least, load.late);
  return load.failed > 0 ? 1 : 0;
}
