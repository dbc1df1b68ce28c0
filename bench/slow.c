/*
** slow.c - an upstream that answers after a fixed delay, at as little CPU as can be: bench/run uses
** it where thousands of requests must hang at once.
**
** DESIGN. One thread, epoll. The delay is the same for all, so the answers that are due form a
** queue in the order of arrival: no heap, no timer per connection. A client sends its next
** request only after the answer (HTTP/1.1 without pipelining), so a connection has at most one
** answer due. Only what luapix and bench/limit send is understood.
**
** The delay ends at the next millisecond after its end, so that several answers leave together and
** the processor rests between: thousands in flight ask for that. "exact" has each leave at its own
** moment, as from many servers that know nothing of each other: a client's bursts are then its own.
**
** usage: slow PORT MILLISECONDS FOLDER-OF-ANSWERS [exact]
*/
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FD = 16384, MAX_REQUEST = 8192, MAX_ANSWER = 4096, BATCH = 512 };

struct answer {
  char text[MAX_ANSWER];
  size_t length;
};

struct connection {
  char request[MAX_REQUEST];
  size_t got;
};

struct due {
  int fd;
  const struct answer *answer;
  double at;
};

struct server {
  int epoll, listener;
  bool exact;
  double delay;
  struct answer token, create, status;
  struct connection *connections[MAX_FD];
  struct due queue[MAX_FD]; /* a ring; never more than one per connection */
  size_t first, count;
};

static double now(void) {
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void load(struct answer *answer, const char *folder, const char *name, const char *status) {
  char path[1024], body[MAX_ANSWER / 2];
  FILE *file;
  size_t length;

  snprintf(path, sizeof(path), "%s/%s.json", folder, name);
  file = fopen(path, "rb");
  if (file == NULL) fail(path);
  length = fread(body, 1, sizeof(body), file);
  fclose(file);
  answer->length = (size_t)snprintf(answer->text, sizeof(answer->text),
                                    "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                                    "Content-Length: %zu\r\n\r\n%.*s",
                                    status, length, (int)length, body);
}

static void watch(struct server *server, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

  if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

static void open_listener(struct server *server, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int on = 1;

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(server->listener, (struct sockaddr *)&address, sizeof(address)) != 0) fail("bind");
  if (listen(server->listener, 8192) != 0) fail("listen");
  watch(server, server->listener);
}

static void accept_all(struct server *server) {
  int fd, on = 1;

  while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    if (fd >= MAX_FD) fail("too many connections");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (server->connections[fd] == NULL)
      server->connections[fd] = malloc(sizeof(struct connection));
    if (server->connections[fd] == NULL) fail("malloc");
    server->connections[fd]->got = 0;
    watch(server, fd);
  }
}

/* A request is whole when its head has ended and its body, if it names a length, is here. */
static bool is_whole(const struct connection *connection) {
  const char *end = strstr(connection->request, "\r\n\r\n");
  const char *length = strcasestr(connection->request, "\r\ncontent-length:");
  size_t body = length != NULL ? strtoul(length + 17, NULL, 10) : 0;

  return end != NULL && connection->got >= (size_t)(end + 4 - connection->request) + body;
}

static const struct answer *answer_for(const struct server *server, const char *request) {
  if (strncmp(request, "POST /oauth/token", 17) == 0) return &server->token;
  if (strncmp(request, "POST", 4) == 0) return &server->create;
  return &server->status;
}

static void enqueue(struct server *server, int fd) {
  struct due *due = &server->queue[(server->first + server->count++) % MAX_FD];

  due->fd = fd;
  due->answer = answer_for(server, server->connections[fd]->request);
  due->at = now() + server->delay;
}

static void take(struct server *server, int fd) {
  struct connection *connection = server->connections[fd];
  size_t room = sizeof(connection->request) - 1 - connection->got;
  ssize_t count = read(fd, connection->request + connection->got, room);

  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    close(fd);
    return;
  }
  connection->got += (size_t)count;
  connection->request[connection->got] = '\0';
  if (!is_whole(connection)) return;
  enqueue(server, fd);
  connection->got = 0;
}

/* An answer fits into an idle socket's buffer; a client that has gone is noticed by its read. */
static void send_due(struct server *server) {
  double at = now();

  while (server->count > 0 && server->queue[server->first].at <= at) {
    const struct due *due = &server->queue[server->first];

    if (send(due->fd, due->answer->text, due->answer->length, MSG_NOSIGNAL) < 0) errno = 0;
    server->first = (server->first + 1) % MAX_FD;
    server->count--;
  }
}

static int wait_for_events(const struct server *server, struct epoll_event *events) {
  double left = server->count > 0 ? server->queue[server->first].at - now() : 1;
  struct timespec time;

  if (left < 0) left = 0;
  if (!server->exact)
    return epoll_wait(server->epoll, events, BATCH, left > 0 ? (int)(left * 1000) + 1 : 0);
  time = (struct timespec){(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
  return epoll_pwait2(server->epoll, events, BATCH, &time, NULL);
}

static void serve(struct server *server) {
  struct epoll_event events[BATCH];

  for (;;) {
    int count = wait_for_events(server, events);

    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;

      if (fd == server->listener) accept_all(server);
      if (fd != server->listener) take(server, fd);
    }
    send_due(server);
  }
}

int main(int argc, char **argv) {
  static struct server server;

  if (argc != 4 && argc != 5)
    return fprintf(stderr, "usage: slow PORT MILLISECONDS FOLDER [exact]\n"), 2;
  server.exact = argc == 5 && strcmp(argv[4], "exact") == 0;
  if (server.exact) prctl(PR_SET_TIMERSLACK, 1000UL);
  server.delay = atof(argv[2]) / 1000;
  server.epoll = epoll_create1(0);
  load(&server.token, argv[3], "token", "200 OK");
  load(&server.create, argv[3], "create", "201 Created");
  load(&server.status, argv[3], "status", "200 OK");
  open_listener(&server, (int)strtol(argv[1], NULL, 10));
  serve(&server);
  return 0;
}
