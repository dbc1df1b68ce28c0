/*
** doorbell.c - a unix socket that answers "is op N finished?" with one byte; see doorbell.h.
**
** DESIGN. Every connection is either *asking* (its line of digits is being read), *waiting* (it
** hangs in the chain of its op's bucket) or, after "*\n", *listening* (in a list of its own, for
** good). fds[0] is the listener, fds[i + 1] belongs to conns[i].
** Nothing blocks: one read per connection and turn, one byte written when rung, and whoever does
** not keep to the protocol, or does not read his byte, is closed. A byte sent while waiting is such
** a breach, which also keeps poll quiet. No lock: all but new, path and free is the thread's.
*/
#include "doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_CONNECTIONS 4096
#define MAX_LINE        20 /* digits of a 64-bit number */
#define BUCKETS         1024
#define BACKLOG         511
#define PAUSE           INT64_C(100000000) /* ns without accepting when descriptors are used up */

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

struct connection {
  uint64_t waits_for; /* 0: asking; PIX_DOORBELL_ALL: listening */
  uint32_t at;        /* index in conns */
  bool rung;          /* in the list of those to be rung, not in a bucket */
  unsigned char len;
  char line[MAX_LINE + 1];
  struct connection *next; /* in the bucket, among the listeners, or among the rung */
};

struct pix_doorbell {
  struct curl_waitfd *fds; /* 1 + cap; with conns behind it grown together */
  struct connection **conns;
  unsigned len, cap;
  int64_t pause_until;
  struct connection *rung;
  struct connection *listeners;
  bool call; /* the listeners are to be rung */
  struct connection *buckets[BUCKETS];
  char directory[64];
  char path[96];
};

static struct connection **bucket_of(struct pix_doorbell *bell, uint64_t id) {
  return id == PIX_DOORBELL_ALL ? &bell->listeners : &bell->buckets[id % BUCKETS];
}

/* ---- birth and death ---- */

/* $XDG_RUNTIME_DIR if it is ours alone and short enough for a socket's address. */
static const char *base_directory(void) {
  const char *base = getenv("XDG_RUNTIME_DIR");
  struct stat info;

  if (base == NULL || base[0] != '/' || strlen(base) > 40) return "/tmp";
  if (stat(base, &info) != 0 || !S_ISDIR(info.st_mode)) return "/tmp";
  if (info.st_uid != geteuid() || (info.st_mode & 077) != 0) return "/tmp";
  return base;
}

static bool make_directory(struct pix_doorbell *bell, const char *base) {
  snprintf(bell->directory, sizeof bell->directory, "%s/luapix-XXXXXX", base);
  if (mkdtemp(bell->directory) == NULL) {
    bell->directory[0] = '\0';
    return false;
  }
  snprintf(bell->path, sizeof bell->path, "%s/bell", bell->directory);
  return true;
}

static void set_flags(int fd) {
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
#ifdef SO_NOSIGPIPE
  setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &(int){1}, sizeof(int));
#endif
}

static bool listen_at(struct pix_doorbell *bell) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  if (fd < 0) return false;
  bell->fds[0].fd = fd;
  set_flags(fd);
  if (strlen(bell->path) >= sizeof address.sun_path) return false;
  memcpy(address.sun_path, bell->path, strlen(bell->path) + 1);
  if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0) return false;
  return listen(fd, BACKLOG) == 0;
}

static bool make_room(struct pix_doorbell *bell) {
  unsigned cap = bell->cap > 0 ? bell->cap * 2 : 16;
  struct curl_waitfd *fds;
  struct connection **conns;

  if (bell->len < bell->cap) return true;
  fds = realloc(bell->fds, (cap + 1) * sizeof *fds);
  if (fds == NULL) return false;
  bell->fds = fds;
  conns = realloc(bell->conns, cap * sizeof *conns);
  if (conns == NULL) return false;
  bell->conns = conns;
  bell->cap = cap;
  return true;
}

int pix_doorbell_new(struct pix_doorbell **out, struct pix_err *err) {
  struct pix_doorbell *bell = calloc(1, sizeof *bell);

  if (bell == NULL || !make_room(bell)) {
    if (bell != NULL) free(bell->fds);
    free(bell);
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  }
  bell->fds[0] = (struct curl_waitfd){-1, CURL_WAIT_POLLIN, 0};
  if ((!make_directory(bell, base_directory()) && !make_directory(bell, "/tmp")) ||
      !listen_at(bell)) {
    pix_err_set(err, PIX_EINTERNAL, NULL, "cannot make the doorbell's socket: %s", strerror(errno));
    pix_doorbell_free(bell);
    return PIX_EINTERNAL;
  }
  *out = bell;
  return PIX_OK;
}

const char *pix_doorbell_path(const struct pix_doorbell *bell) {
  return bell->path;
}

void pix_doorbell_abandon(struct pix_doorbell *bell) {
  if (bell->fds[0].fd >= 0) close(bell->fds[0].fd);
}

void pix_doorbell_free(struct pix_doorbell *bell) {
  for (unsigned i = 0; i < bell->len; i++) {
    close(bell->fds[i + 1].fd);
    free(bell->conns[i]);
  }
  if (bell->fds[0].fd >= 0) close(bell->fds[0].fd);
  if (bell->directory[0] != '\0') {
    unlink(bell->path);
    rmdir(bell->directory);
  }
  free(bell->fds);
  free(bell->conns);
  free(bell);
}

/* ---- connections ---- */

static void unlink_from(struct connection **link, struct connection *conn) {
  while (*link != NULL && *link != conn) link = &(*link)->next; /* NOLINT: of another list */
  if (*link != NULL) *link = conn->next;
  conn->next = NULL;
}

static void drop(struct pix_doorbell *bell, struct connection *conn) {
  unsigned at = conn->at, last = --bell->len;

  if (conn->rung)
    unlink_from(&bell->rung, conn);
  else if (conn->waits_for != 0)
    unlink_from(bucket_of(bell, conn->waits_for), conn);
  close(bell->fds[at + 1].fd);
  bell->fds[at + 1] = bell->fds[last + 1];
  bell->conns[at] = bell->conns[last];
  bell->conns[at]->at = at;
  free(conn);
}

static bool send_byte(const struct pix_doorbell *bell, const struct connection *conn) {
  return send(bell->fds[conn->at + 1].fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static bool answer(struct pix_doorbell *bell, struct connection *conn) {
  conn->waits_for = 0;
  conn->len = 0;
  return send_byte(bell, conn);
}

static bool admit(struct pix_doorbell *bell, int fd) {
  struct connection *conn;

  if (bell->len >= MAX_CONNECTIONS || !make_room(bell)) return false;
  conn = calloc(1, sizeof *conn);
  if (conn == NULL) return false;
  conn->at = bell->len;
  bell->conns[bell->len] = conn;
  bell->fds[bell->len + 1] = (struct curl_waitfd){fd, CURL_WAIT_POLLIN, 0};
  bell->len++;
  return true;
}

/* A few per turn, so that a flood of visitors cannot hold up the loop. */
static void accept_some(struct pix_doorbell *bell, int64_t now) {
  for (int i = 0; i < 64; i++) {
    int fd = accept(bell->fds[0].fd, NULL, NULL);
    if (fd < 0) {
      if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        bell->pause_until = now + PAUSE; /* no descriptors or no memory */
      return;
    }
    set_flags(fd);
    if (!admit(bell, fd)) close(fd);
  }
}

/* The id in a whole line of digits, PIX_DOORBELL_ALL for a star, or 0. */
static uint64_t parse(const char *line, size_t len) {
  uint64_t id = 0;

  if (len < 2 || line[len - 1] != '\n') return 0;
  if (len == 2 && line[0] == '*') return PIX_DOORBELL_ALL;
  for (size_t i = 0; i < len - 1; i++) {
    uint64_t digit = (uint64_t)(unsigned char)line[i] - '0';
    if (digit > 9 || id > (UINT64_MAX - digit) / 10) return 0;
    id = id * 10 + digit;
  }
  return id == PIX_DOORBELL_ALL ? id - 1 : id; /* no op ever has either */
}

static bool plausible(const struct connection *conn) {
  if (conn->len == 1 && conn->line[0] == '*') return true;
  for (unsigned i = 0; i < conn->len; i++) {
    if (conn->line[i] < '0' || conn->line[i] > '9') return false;
  }
  return conn->len <= MAX_LINE;
}

/* A listener stays one. If something is to be drained already, it hears so at once. */
static bool listen_from_now(struct pix_doorbell *bell, struct connection *conn, bool nothing) {
  conn->waits_for = PIX_DOORBELL_ALL;
  conn->next = bell->listeners;
  bell->listeners = conn;
  return nothing || send_byte(bell, conn);
}

/* False: close it. */
static bool serve(struct pix_doorbell *bell, struct connection *conn,
                  bool (*unfinished)(void *context, uint64_t id), void *context) {
  ssize_t got = recv(bell->fds[conn->at + 1].fd, conn->line + conn->len,
                     sizeof conn->line - conn->len, MSG_DONTWAIT);
  uint64_t id;

  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0 || conn->waits_for != 0 || conn->rung) return false;
  conn->len += (unsigned char)got;
  if (conn->line[conn->len - 1] != '\n') return plausible(conn);
  id = parse(conn->line, conn->len);
  if (id == 0) return false;
  if (id == PIX_DOORBELL_ALL) return listen_from_now(bell, conn, unfinished(context, id));
  if (!unfinished(context, id)) return answer(bell, conn);
  conn->waits_for = id;
  conn->len = 0;
  conn->next = *bucket_of(bell, id);
  *bucket_of(bell, id) = conn;
  return true;
}

unsigned pix_doorbell_fds(struct pix_doorbell *bell, struct curl_waitfd **fds) {
  for (unsigned i = 0; i <= bell->len; i++) bell->fds[i].revents = 0;
  *fds = bell->fds;
  return bell->len + 1;
}

void pix_doorbell_turn(struct pix_doorbell *bell, int64_t now,
                       bool (*unfinished)(void *context, uint64_t id), void *context) {
  /* From the end: drop moves the last connection into the gap. */
  for (unsigned i = bell->len; i > 0; i--) {
    struct connection *conn = bell->conns[i - 1];
    if (bell->fds[i].revents == 0) continue;
    if (!serve(bell, conn, unfinished, context)) drop(bell, conn);
  }
  if (bell->fds[0].revents != 0) accept_some(bell, now);
  bell->fds[0].events = now >= bell->pause_until ? CURL_WAIT_POLLIN : 0;
}

bool pix_doorbell_paused(const struct pix_doorbell *bell) {
  return bell->fds[0].events == 0;
}

void pix_doorbell_mark(struct pix_doorbell *bell, uint64_t id) {
  struct connection **link = bucket_of(bell, id);

  if (id == PIX_DOORBELL_ALL) {
    bell->call = true;
    return;
  }
  while (*link != NULL) {
    struct connection *conn = *link;
    if (conn->waits_for != id) {
      link = &conn->next;
      continue;
    }
    *link = conn->next;
    conn->rung = true;
    conn->next = bell->rung;
    bell->rung = conn;
  }
}

/* One whose buffer is full of bytes has something to read already. */
static void call_listeners(struct pix_doorbell *bell) {
  struct connection *conn = bell->listeners;

  bell->call = false;
  while (conn != NULL) {
    struct connection *next = conn->next;
    if (!send_byte(bell, conn) && errno != EAGAIN && errno != EINTR) drop(bell, conn);
    conn = next;
  }
}

void pix_doorbell_ring(struct pix_doorbell *bell) {
  if (bell->call) call_listeners(bell);
  while (bell->rung != NULL) {
    struct connection *conn = bell->rung;
    bell->rung = conn->next; /* NOLINT: who is rung is in no other list that drop leaves */
    conn->next = NULL;
    conn->rung = false;
    if (!answer(bell, conn)) drop(bell, conn);
  }
}
