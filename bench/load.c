/*
** load.c - a load client for one HTTP/1.1 server on loopback: so many connections, kept alive, each
** with one request at a time; prints rate and latencies. `make bench-openresty` uses it.
**
** DESIGN. One thread, epoll, blocking nothing. A connection is sending (its request fits into any
** socket buffer, so one send does), receiving (until as much is there as the head promises), or
** pausing (a list ordered by time, all pauses being equally long). A latency is the time from send
** to the last byte.
**
** usage: load --port N --path PATH [--connections N] [--requests N] [--seconds S] [--pause MS]
*/
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_REPLY 16384

struct options {
  const char *path;
  long port, connections, requests;
  double seconds, pause;
};

struct connection {
  int fd;
  size_t len;
  double began, due;
  struct connection *next; /* among those that pause */
  char reply[MAX_REPLY + 1];
};

struct load {
  struct options options;
  char request[512];
  size_t request_len;
  int epoll;
  double began, *latencies;
  long started, finished, failed;
  struct connection *pausing, **pausing_end;
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
  if (load->options.pause <= 0) {
    ask(load, conn);
    return;
  }
  conn->due = now() + load->options.pause;
  conn->next = NULL;
  *load->pausing_end = conn;
  load->pausing_end = &conn->next;
}

/* Milliseconds until the next pause is over, -1 if nobody pauses. */
static int wake(struct load *load) {
  while (load->pausing != NULL) {
    struct connection *conn = load->pausing;
    double left = conn->due - now();
    if (left > 0) return (int)(left * 1e3);
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
    ask(load, conn);
  }
}

static void run(struct load *load) {
  struct epoll_event events[256];

  load->began = now();
  open_all(load);
  for (;;) {
    int wait = wake(load);
    int count;
    if (load->finished == load->started && over(load)) return;
    count = epoll_wait(load->epoll, events, 256, wait);
    for (int i = 0; i < count; i++) receive(load, events[i].data.ptr);
  }
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
  }
  if (options.port > 0 && options.path != NULL && options.requests > 0) return options;
  fprintf(stderr, "usage: load --port N --path PATH [--connections N] [--requests N] "
                  "[--seconds S] [--pause MS]\n");
  exit(2);
}

int main(int argc, char **argv) {
  struct load load = {.options = read_options(argc, argv), .epoll = epoll_create1(0)};
  double seconds;

  load.pausing_end = &load.pausing;
  load.latencies = calloc((size_t)load.options.requests, sizeof *load.latencies);
  if (load.latencies == NULL || load.epoll < 0) die("start");
  load.request_len =
      (size_t)snprintf(load.request, sizeof load.request,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", load.options.path);
  run(&load);
  seconds = now() - load.began;
  qsort(load.latencies, (size_t)load.finished, sizeof *load.latencies, ascending);
  printf("requests=%ld seconds=%.6f failed=%ld p50=%.3f p99=%.3f max=%.3f\n", load.finished,
         seconds, load.failed, percentile(&load, 0.5), percentile(&load, 0.99),
         percentile(&load, 1));
  return load.failed > 0 ? 1 : 0;
}
