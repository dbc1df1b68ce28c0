/*
** http_load_test.c - many exchanges: the client's queue, its connections, and the end with work
** under way.
*/
#include <poll.h>
#include <sys/wait.h>
#include <time.h>

#include "../support/http_fixture.h"

/* The child of a program with threads starts a thread here; ThreadSanitizer would refuse. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  return "die_after_fork=0";
}

/* ThreadSanitizer also takes a new thread on the stack of one left behind by fork for that one. */
static void use_fresh_stacks(void) {
#ifdef __GLIBC__
  pthread_attr_t attr;

  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 32 << 20);
  pthread_setattr_default_np(&attr);
#endif
}

static void serve_ok(struct tcp_conn *conn) {
  while (tcp_request(conn)) tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void serve_hang(struct tcp_conn *conn) {
  while (tcp_request(conn)) continue;
}

/* Answers when the test opens the gate. */
static void serve_gate(struct tcp_conn *conn) {
  while (tcp_request(conn)) {
    while (conn->server->gate == 0) usleep(500);
    tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
}

#define CROWD 200    /* more than one shard holds */
#define LARGE 100000 /* bytes; libcurl reads a socket in smaller pieces */

/* Those of a crowd at once, then all of them. */
static void serve_large(struct tcp_conn *conn) {
  static const char body[LARGE];
  char head[80];

  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE);
  while (tcp_request(conn)) {
    while (conn->server->requests < CROWD) usleep(500);
    if (!tcp_write(conn, head) || !tcp_send(conn, body, LARGE)) return;
  }
}

/* Says goodbye without a word after each answer. It answers when all are there: else a connection
** on which it is about to leave would be taken for the next, whose outcome would be open. */
static void serve_once(struct tcp_conn *conn) {
  if (!tcp_request(conn)) return;
  while (conn->server->requests < conn->server->gate) usleep(500);
  tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void start_narrow(struct fixture *f, void (*serve)(struct tcp_conn *conn), long width) {
  fixture_init(f);
  f->settings.max_connections = width;
  f->settings.timeout = f->settings.connect_timeout = FIXTURE_PATIENCE;
  fixture_serve(f, serve, NULL);
  fixture_open(f);
}

static uint64_t submit(struct fixture *f, bool once) {
  return pix_reactor_submit(f->reactor, &fixture_exchange(f, "POST", "{}", once)->op);
}

static void judge_ok(const struct pix_exchange *x) {
  fixture_answered(x);
  CHECK_INT(2, x->reply.len);
}

static void judge_large(const struct pix_exchange *x) {
  fixture_answered(x);
  CHECK_INT(LARGE, x->reply.len);
}

static void judge_cancelled(const struct pix_exchange *x) {
  CHECK(x->failure == PIX_ECANCELLED && x->sent == PIX_SENT_MAYBE);
}

static void collect(struct fixture *f, uint64_t *ids, int count) {
  fixture_drain(f, ids, count, judge_ok);
}

static void a_thousand_on_few_connections(void) {
  struct fixture f;

  start_narrow(&f, serve_ok, 8);
  for (int i = 0; i < 1000; i++) submit(&f, i % 2);
  collect(&f, NULL, 1000);
  CHECK_INT(1000, f.server.requests);
  CHECK(f.server.connections <= 8);
  CHECK_INT(0, pix_reactor_pending(f.reactor));
  for (int i = 0; i < 100; i++) submit(&f, true);
  collect(&f, NULL, 100);
  CHECK(f.server.connections <= 8);
  fixture_close(&f);
}

static void as_many_connections_as_allowed(void) {
  struct fixture f;

  start_narrow(&f, serve_gate, 200);
  for (int i = 0; i < 300; i++) submit(&f, true);
  while (f.server.requests < 200) usleep(1000);
  CHECK_INT(0, pix_reactor_wait(f.reactor, 0.02));
  CHECK_INT(200, f.server.requests);
  CHECK_INT(200, f.server.connections);
  f.server.gate = 1;
  collect(&f, NULL, 300);
  for (int i = 0; i < 300; i++) submit(&f, true); /* and every one of them was kept */
  collect(&f, NULL, 300);
  CHECK_INT(200, f.server.connections);
  fixture_close(&f);
}

static void a_crowd_gets_large_answers(void) {
  struct fixture f;

  start_narrow(&f, serve_large, CROWD);
  for (int i = 0; i < CROWD; i++) submit(&f, i % 2);
  fixture_drain(&f, NULL, CROWD, judge_large);
  CHECK_INT(CROWD, f.server.requests);
  fixture_close(&f);
}

static void a_crowd_is_left_by_its_server(void) {
  struct fixture f;

  start_narrow(&f, serve_once, CROWD);
  for (int round = 1; round <= 2; round++) {
    f.server.gate = CROWD * round;
    for (int i = 0; i < CROWD; i++) submit(&f, true);
    collect(&f, NULL, CROWD);
    CHECK_INT(CROWD * round, f.server.requests);
    tcp_server_idle(&f.server); /* it has left by the next round */
  }
  fixture_close(&f);
}

static void a_crowd_is_cancelled(void) {
  uint64_t ids[CROWD];
  struct fixture f;

  start_narrow(&f, serve_gate, CROWD);
  for (int i = 0; i < CROWD; i++) ids[i] = submit(&f, true);
  while (f.server.requests < CROWD) usleep(1000);
  for (int i = 0; i < CROWD; i++) pix_reactor_cancel(f.reactor, ids[i]);
  fixture_drain(&f, NULL, CROWD, judge_cancelled);
  f.server.gate = 1;
  for (int i = 0; i < CROWD; i++) submit(&f, true);
  pix_reactor_wait(f.reactor, FIXTURE_PATIENCE);
  fixture_close(&f); /* the others are under way, or have just been */
}

static void the_queue_is_fair(void) {
  uint64_t sent[50], got[50];
  struct fixture f;

  start_narrow(&f, serve_ok, 1);
  for (int i = 0; i < 50; i++) sent[i] = submit(&f, true);
  collect(&f, got, 50);
  CHECK(memcmp(sent, got, sizeof sent) == 0);
  CHECK_INT(1, f.server.connections);
  fixture_close(&f);
}

static void check_never_left(struct pix_exchange *x, enum pix_kind kind, uint64_t id) {
  CHECK(x->op.id == id);
  CHECK_INT(kind, x->failure);
  CHECK_INT(PIX_SENT_NO, x->sent);
  CHECK_INT(0, x->request_size);
  exchange_end(x);
}

static void leaving_the_queue_is_no(void) {
  uint64_t cancelled, timed_out, last;
  struct pix_exchange *x;
  struct fixture f;

  start_narrow(&f, serve_gate, 1);
  submit(&f, true);
  while (f.server.requests == 0) usleep(1000);
  x = fixture_exchange(&f, "POST", "{}", true);
  x->timeout = 0.05;
  timed_out = pix_reactor_submit(f.reactor, &x->op);
  cancelled = submit(&f, true);
  last = submit(&f, true);
  x = fixture_next(&f);
  CHECK(strstr(x->message, "no connection became free") != NULL);
  check_never_left(x, PIX_ETIMEOUT, timed_out);
  pix_reactor_cancel(f.reactor, cancelled);
  check_never_left(fixture_next(&f), PIX_ECANCELLED, cancelled);
  f.server.gate = 1;
  collect(&f, NULL, 2);
  CHECK_INT(2, f.server.requests);
  pix_reactor_cancel(f.reactor, last);
  fixture_close(&f);
}

/* Cancelled in the same breath as submitted: libcurl may know it, the server may not. */
static void cancelled_at_once_never_leaves(void) {
  struct fixture f;

  start_narrow(&f, serve_hang, 100);
  for (int i = 0; i < 50; i++) {
    uint64_t id = submit(&f, true);
    struct pix_exchange *x;
    pix_reactor_cancel(f.reactor, id);
    x = fixture_next(&f);
    CHECK_INT(PIX_ECANCELLED, x->failure);
    CHECK_INT(x->request_size > 0 ? PIX_SENT_MAYBE : PIX_SENT_NO, x->sent);
    exchange_end(x);
  }
  fixture_close(&f);
}

static void a_slot_is_freed_by_whatever_ends_it(void) {
  struct fixture f;

  start_narrow(&f, serve_gate, 2);
  for (int i = 0; i < 20; i++) {
    struct pix_exchange *x = fixture_exchange(&f, "POST", "{}", true);
    uint64_t id;
    x->timeout = i % 2 == 0 ? 0.02 : 20;
    id = pix_reactor_submit(f.reactor, &x->op);
    if (i % 2 == 1) pix_reactor_cancel(f.reactor, id);
    exchange_end(fixture_next(&f));
  }
  f.server.gate = 1;
  for (int i = 0; i < 20; i++) submit(&f, true);
  collect(&f, NULL, 20);
  fixture_close(&f);
}

static double seconds(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Hangs 100 requests on a server that never answers, then closes; the seconds that close took. */
static double close_with_work(struct fixture *f, int round) {
  double start;

  CHECK_INT(PIX_OK, pix_reactor_new(false, &f->reactor, NULL));
  for (int i = 0; i < 100; i++) submit(f, i % 2);
  if (round % 4 != 0) pix_reactor_wait(f->reactor, 0.001 * (round % 4));
  start = seconds();
  pix_reactor_close(f->reactor);
  return seconds() - start;
}

static void close_is_quick_with_work_under_way(void) {
  static struct fixture f;
  double total = 0;
  int port, fd = tcp_listen(&port, 4096); /* accepted by the system, answered by nobody */

  fixture_init(&f);
  f.settings.max_connections = 60;
  snprintf(f.base, sizeof f.base, "http://127.0.0.1:%d", port);
  fixture_open(&f);
  pix_reactor_close(f.reactor);
  for (int round = 0; round < 300; round++) {
    total += close_with_work(&f, round);
    while (poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0) == 1) close(accept(fd, NULL, NULL));
  }
  CHECK(total / 300 < 2); /* far below any time-out, on a busy machine as well */
  pix_http_client_unref(f.client);
  close(fd);
}

/* The parent's work under way must not stand in the way of the child's new reactor. */
static void a_child_starts_the_client_afresh(void) {
  struct fixture f;
  int status = -1;
  pid_t child, ended = 0;

  start_narrow(&f, serve_gate, 1);
  for (int i = 0; i < 5; i++) submit(&f, true);
  while (f.server.requests == 0) usleep(1000);
  child = fork();
  if (child == 0) {
    struct pix_reactor *own = NULL;
    struct pix_exchange *x = fixture_exchange(&f, "POST", "{}", true);
    alarm(120);
    use_fresh_stacks();
    pix_reactor_close(f.reactor);
    if (pix_reactor_new(false, &own, NULL) != PIX_OK) _exit(1);
    pix_reactor_submit(own, &x->op);
    if (pix_reactor_wait(own, 100) != 1) _exit(2);
    x = (struct pix_exchange *)pix_reactor_drain(own);
    if (x->failure != PIX_OK || x->sent != PIX_SENT_YES) _exit(3);
    x->op.verbs->free(&x->op);
    pix_reactor_close(own);
    _exit(0);
  }
  /* Its request comes while the parent's own is under way. */
  while (f.server.requests < 2 && ended == 0) {
    usleep(1000);
    ended = waitpid(child, &status, WNOHANG);
  }
  f.server.gate = 1;
  if (ended == 0) waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK_INT(0, WEXITSTATUS(status));
  collect(&f, NULL, 5);
  fixture_close(&f);
}

static const struct check_test tests[] = {
    {"1,000 exchanges share 8 connections", a_thousand_on_few_connections},
    {"as many connections are opened as allowed, and kept", as_many_connections_as_allowed},
    {"hundreds at once get large answers whole", a_crowd_gets_large_answers},
    {"hundreds whose server leaves are sent once, each", a_crowd_is_left_by_its_server},
    {"hundreds are cancelled, and closed upon", a_crowd_is_cancelled},
    {"the queue keeps its order", the_queue_is_fair},
    {"who leaves the queue has sent nothing", leaving_the_queue_is_no},
    {"a cancel at once ends it, and tells what left", cancelled_at_once_never_leaves},
    {"time-outs and cancels free their slot", a_slot_is_freed_by_whatever_ends_it},
    {"close with 100 requests hanging is quick, 300 times", close_is_quick_with_work_under_way},
    {"a forked child starts with the client afresh", a_child_starts_the_client_afresh},
};

CHECK_MAIN(tests)
