/*
** reactor_test.c - the thread, its queues, its timers; the virtual one.
*/
#include "../../src/core/reactor.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/check.h"

/* A child of a program with threads starts threads here: legal, and ThreadSanitizer can do it. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
  return "die_after_fork=0";
}

static struct pix_reactor *open_reactor(bool is_virtual) {
  struct pix_reactor *r = NULL;

  CHECK_INT(PIX_OK, pix_reactor_new(is_virtual, &r, NULL));
  return r;
}

static uint64_t submit_timer(struct pix_reactor *r, double seconds) {
  return pix_reactor_submit(r, pix_timer_new(seconds));
}

static bool readable(struct pix_reactor *r) {
  struct pollfd fd = {pix_reactor_fd(r), POLLIN, 0};

  return poll(&fd, 1, 0) == 1;
}

/* Waits for `count` ops, writes their ids, frees them; the number of cancelled ones. */
static int collect(struct pix_reactor *r, uint64_t *ids, int count) {
  int cancelled = 0;

  for (int i = 0; i < count;) {
    struct pix_op *op;
    if (pix_reactor_wait(r, 20) == 0) break;
    op = pix_reactor_drain(r);
    while (op != NULL) {
      struct pix_op *next = op->next;
      if (op->cancelled) cancelled++;
      if (ids != NULL && i < count) ids[i] = op->id;
      i++;
      op->verbs->free(op);
      op = next;
    }
  }
  return cancelled;
}

/* ---- an op of the test's own: counts what is done to it ---- */

struct probe {
  struct pix_op op;
  int *freed;
};

static void probe_free(struct pix_op *op) {
  (*((struct probe *)op)->freed)++;
  free(op);
}

static void probe_finish(struct pix_reactor *r, struct pix_op *op) {
  pix_reactor_finish(r, op);
}

static void probe_hang(struct pix_reactor *r, struct pix_op *op) {
  (void)r, (void)op;
}

static void probe_abort(struct pix_reactor *r, struct pix_op *op) {
  op->cancelled = true;
  pix_reactor_finish(r, op);
}

static const struct pix_op_verbs quick = {.start = probe_finish, .free = probe_free};
static const struct pix_op_verbs hanging = {
    .start = probe_hang, .abort = probe_abort, .free = probe_free};
static const struct pix_op_verbs foreign = {.free = probe_free};
static const struct pix_op_verbs exchange = {
    .start = probe_hang, .abort = probe_abort, .free = probe_free, .exchange = true};

static struct pix_op *probe_new(const struct pix_op_verbs *verbs, int *freed) {
  struct probe *probe = calloc(1, sizeof *probe);

  if (probe == NULL) abort();
  probe->op.verbs = verbs;
  probe->freed = freed;
  return &probe->op;
}

/* ---- a real reactor ---- */

/* The moment of each lies between two readings of the clock, which may be far apart. */
static void timers_end_in_order(void) {
  static const double seconds[] = {0.45, 0.15, 0.3, 0};
  struct pix_reactor *r = open_reactor(false);
  double earliest[4], latest[4], so_far = 0;
  uint64_t ids[4], got[4];

  for (int i = 0; i < 4; i++) {
    earliest[i] = pix_reactor_now(r) + seconds[i];
    ids[i] = submit_timer(r, seconds[i]);
    latest[i] = pix_reactor_now(r) + seconds[i];
  }
  CHECK_INT(4, pix_reactor_pending(r));
  collect(r, got, 4);
  for (int i = 0; i < 4; i++) {
    int which = 0;
    while (which < 3 && ids[which] != got[i]) which++;
    CHECK(ids[which] == got[i] && latest[which] >= so_far);
    if (earliest[which] > so_far) so_far = earliest[which];
  }
  pix_reactor_close(r);
}

static void a_timer_is_never_early(void) {
  struct pix_reactor *r = open_reactor(false);
  double start = pix_reactor_now(r);

  submit_timer(r, 0.03);
  collect(r, NULL, 1);
  CHECK(pix_reactor_now(r) - start >= 0.03);
  pix_reactor_close(r);
}

static void ids_are_distinct_and_not_zero(void) {
  struct pix_reactor *r = open_reactor(false);
  uint64_t before, after;

  before = submit_timer(r, 0);
  CHECK(before != 0);
  CHECK(submit_timer(r, 0) != before);
  collect(r, NULL, 2);
  pix_reactor_close(r);
  r = open_reactor(false);
  after = submit_timer(r, 0);
  CHECK(after > before + 1);
  collect(r, NULL, 1);
  pix_reactor_close(r);
}

static void cancel_ends_a_timer_at_once(void) {
  struct pix_reactor *r = open_reactor(false);
  uint64_t got, id = submit_timer(r, 3600);

  pix_reactor_cancel(r, id);
  pix_reactor_cancel(r, id);
  CHECK_INT(1, collect(r, &got, 1));
  CHECK(got == id);
  pix_reactor_cancel(r, id);
  pix_reactor_cancel(r, 0);
  pix_reactor_cancel(r, UINT64_MAX);
  pix_reactor_close(r);
}

static void many_cancels_race_with_ends(void) {
  struct pix_reactor *r = open_reactor(false);
  static uint64_t ids[2000];

  for (int i = 0; i < 2000; i++) ids[i] = submit_timer(r, i % 2 == 0 ? 0 : 3600);
  for (int i = 0; i < 2000; i++) pix_reactor_cancel(r, ids[i]);
  CHECK(collect(r, NULL, 2000) >= 1000);
  pix_reactor_close(r);
}

static void the_descriptor_tells_what_waits(void) {
  struct pix_reactor *r = open_reactor(false);

  CHECK(!readable(r));
  CHECK_INT(0, pix_reactor_wait(r, 0));
  CHECK_INT(0, pix_reactor_wait(r, 0.001));
  submit_timer(r, 0);
  CHECK_INT(1, pix_reactor_wait(r, -1));
  CHECK(readable(r));
  CHECK_INT(1, pix_reactor_pending(r));
  collect(r, NULL, 1);
  CHECK(!readable(r));
  CHECK(pix_reactor_drain(r) == NULL);
  pix_reactor_close(r);
}

static void every_op_ends_once(void) {
  struct pix_reactor *r = open_reactor(false);
  int freed = 0;

  for (int round = 0; round < 50; round++) {
    for (int i = 0; i < 200; i++) pix_reactor_submit(r, probe_new(&quick, &freed));
    collect(r, NULL, 200);
    CHECK_INT(0, pix_reactor_pending(r));
  }
  CHECK_INT(10000, freed);
  pix_reactor_close(r);
  CHECK_INT(10000, freed);
}

struct helper {
  struct pix_reactor *reactor;
  struct pix_op *op;
};

static void *finish_elsewhere(void *arg) {
  struct helper *helper = arg;

  pix_reactor_finish(helper->reactor, helper->op);
  return NULL;
}

static void another_thread_may_finish(void) {
  struct pix_reactor *r = open_reactor(false);
  int freed = 0;
  struct helper helper = {r, probe_new(&foreign, &freed)};
  pthread_t thread;

  pix_reactor_cancel(r, pix_reactor_submit(r, helper.op)); /* no abort: does nothing */
  CHECK_INT(0, pix_reactor_wait(r, 0.01));
  pthread_create(&thread, NULL, finish_elsewhere, &helper);
  CHECK_INT(0, collect(r, NULL, 1));
  pthread_join(thread, NULL);
  CHECK_INT(1, freed);
  pix_reactor_close(r);
}

/* The owner drives the loop himself while he waits; what he leaves alone the thread must do. */
static void work_left_alone_is_done(void) {
  struct pix_reactor *r = open_reactor(false);
  struct pollfd fd = {pix_reactor_fd(r), POLLIN, 0};

  for (int round = 0; round < 50; round++) {
    submit_timer(r, 0);
    CHECK_INT(1, pix_reactor_wait(r, 20));
    if (round % 2 == 0) usleep(8000); /* now the thread sleeps for good */
    submit_timer(r, 0.001);
    if (round % 3 == 0) pix_reactor_wait(r, 0.0002);
    collect(r, NULL, 1);
    submit_timer(r, 0.0005);
    CHECK_INT(1, poll(&fd, 1, 20000));
    while (pix_reactor_pending(r) > 0) collect(r, NULL, 1);
  }
  pix_reactor_close(r);
}

/* Few ops and many, long waits and short ones, work between them: the loop changes hands. */
static void the_loop_changes_hands(void) {
  struct pix_reactor *r = open_reactor(false);
  int freed = 0, all = 0;

  for (int round = 0; round < 3000; round++) {
    int count = round % 7 == 0 ? 20 : round % 5;
    for (int i = 0; i < count; i++) {
      if (i % 3 == 0)
        submit_timer(r, i * 0.0001);
      else
        pix_reactor_submit(r, probe_new(&quick, &freed));
      if (i % 3 != 0) all++;
    }
    if (round % 11 == 0) pix_reactor_wait(r, 0.00005);
    if (round % 64 == 0) usleep(1500);
    while (pix_reactor_pending(r) > 0) collect(r, NULL, 1);
  }
  CHECK_INT(all, freed);
  pix_reactor_close(r);
}

/* Closed while the owner has the loop, and something is under way. */
static void close_takes_the_loop_back(void) {
  for (int round = 0; round < 200; round++) {
    struct pix_reactor *r = open_reactor(false);
    int freed = 0;
    for (int i = 0; i < 3; i++) pix_reactor_submit(r, probe_new(&hanging, &freed));
    CHECK_INT(0, pix_reactor_wait(r, round % 2 * 0.001 + 0.0001));
    pix_reactor_close(r);
    CHECK_INT(3, freed);
  }
}

static void on_alarm(int signal) {
  (void)signal;
}

struct nagger {
  pthread_t target;
  atomic_bool enough;
};

static void *send_signals(void *arg) {
  struct nagger *nagger = arg;

  while (!nagger->enough) {
    pthread_kill(nagger->target, SIGUSR1);
    usleep(1000);
  }
  return NULL;
}

static void a_signal_ends_the_wait(void) {
  struct pix_reactor *r = open_reactor(false);
  struct sigaction action = {.sa_handler = on_alarm}, before;
  struct nagger nagger = {pthread_self(), false};
  pthread_t thread;

  sigaction(SIGUSR1, &action, &before);
  pthread_create(&thread, NULL, send_signals, &nagger);
  CHECK_INT(-1, pix_reactor_wait(r, 20));
  nagger.enough = true;
  pthread_join(thread, NULL);
  sigaction(SIGUSR1, &before, NULL);
  pix_reactor_close(r);
}

/* A signal to the process must reach this thread, or stay pending: never the reactor's. */
static void signals_are_not_the_threads(void) {
  struct pix_reactor *r = open_reactor(false);
  sigset_t set, before, pending;

  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  kill(getpid(), SIGUSR2); /* its default action would end the process in an unblocked thread */
  submit_timer(r, 0.01);
  collect(r, NULL, 1);
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGUSR2));
  sigwait(&set, &(int){0});
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pix_reactor_close(r);
}

static void close_frees_what_is_under_way(void) {
  for (int round = 0; round < 300; round++) {
    struct pix_reactor *r = open_reactor(false);
    int freed = 0;
    for (int i = 0; i < 20; i++) {
      pix_reactor_submit(r, probe_new(i % 2 == 0 ? &hanging : &quick, &freed));
      submit_timer(r, i);
      pix_reactor_submit(r, probe_new(&foreign, &freed));
    }
    if (round % 3 == 0) pix_reactor_wait(r, 1);
    pix_reactor_close(r);
    CHECK_INT(40, freed);
  }
}

static void a_child_can_close(void) {
  struct pix_reactor *r = open_reactor(false);
  int freed = 0, status = -1;
  pid_t child;

  pix_reactor_submit(r, probe_new(&hanging, &freed));
  CHECK(pix_reactor_alive(r));
  child = fork();
  if (child == 0) {
    bool alive = pix_reactor_alive(r);
    alarm(120);
    pix_reactor_close(r);
    _exit(alive ? 1 : 0);
  }
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  submit_timer(r, 0.001); /* and the parent's goes on */
  CHECK_INT(1, pix_reactor_wait(r, 20));
  pix_reactor_close(r);
  CHECK_INT(1, freed);
}

/* ThreadSanitizer takes a new thread on the stack of one that fork left behind for that one. */
static void use_fresh_stacks(void) {
#ifdef __GLIBC__
  pthread_attr_t attr;

  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, 32 << 20);
  pthread_setattr_default_np(&attr);
#endif
}

static void a_child_can_open_its_own(void) {
  struct pix_reactor *r = open_reactor(false);
  int status = -1;
  pid_t child = fork();

  if (child == 0) {
    struct pix_reactor *own = NULL;
    alarm(120);
    use_fresh_stacks();
    pix_reactor_close(r);
    if (pix_reactor_new(false, &own, NULL) != PIX_OK) _exit(1);
    submit_timer(own, 0.001);
    if (pix_reactor_wait(own, 10) != 1) _exit(2);
    pix_reactor_close(own);
    _exit(0);
  }
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  pix_reactor_close(r);
}

/* ---- a virtual one ---- */

static void virtual_time_stands_still(void) {
  struct pix_reactor *r = open_reactor(true);
  double start = pix_reactor_now(r);

  CHECK(pix_reactor_wall(r) == 1700000000.0);
  CHECK(pix_reactor_next_timer(r) < 0);
  submit_timer(r, 0.25);
  CHECK_INT(0, pix_reactor_wait(r, 1000));
  CHECK(pix_reactor_now(r) == start);
  CHECK(pix_reactor_next_timer(r) == 0.25);
  pix_reactor_advance(r, 0.125);
  CHECK_INT(0, pix_reactor_wait(r, 0));
  pix_reactor_advance(r, pix_reactor_next_timer(r));
  CHECK_INT(1, pix_reactor_wait(r, 0));
  CHECK(readable(r));
  CHECK_INT(0, collect(r, NULL, 1));
  CHECK(!readable(r));
  CHECK(pix_reactor_wall(r) == 1700000000.25);
  pix_reactor_set_wall(r, 1800000000.0);
  CHECK(pix_reactor_wall(r) == 1800000000.0);
  pix_reactor_advance(r, 1);
  CHECK(pix_reactor_wall(r) == 1800000001.0);
  pix_reactor_close(r);
}

static void ten_tenths_are_one_second(void) {
  struct pix_reactor *r = open_reactor(true);

  submit_timer(r, 1);
  for (int i = 0; i < 9; i++) pix_reactor_advance(r, 0.1);
  CHECK_INT(0, pix_reactor_wait(r, 0));
  pix_reactor_advance(r, 0.1);
  CHECK_INT(1, pix_reactor_wait(r, 0));
  pix_reactor_close(r);
}

static void virtual_timers_end_in_order(void) {
  struct pix_reactor *r = open_reactor(true);
  uint64_t ids[3], third = submit_timer(r, 3), first = submit_timer(r, 1);
  uint64_t second = submit_timer(r, 2), cancelled = submit_timer(r, 1);

  pix_reactor_cancel(r, cancelled);
  CHECK_INT(1, collect(r, ids, 1));
  pix_reactor_advance(r, 10);
  collect(r, ids, 3);
  CHECK(ids[0] == first && ids[1] == second && ids[2] == third);
  pix_reactor_close(r);
}

static void exchanges_wait_in_the_outbox(void) {
  struct pix_reactor *r = open_reactor(true);
  int freed = 0;
  uint64_t first = pix_reactor_submit(r, probe_new(&exchange, &freed));
  uint64_t second = pix_reactor_submit(r, probe_new(&exchange, &freed));
  uint64_t third = pix_reactor_submit(r, probe_new(&exchange, &freed));
  uint64_t ids[2];
  struct pix_op *op;

  pix_reactor_cancel(r, second); /* not taken: ends here */
  CHECK_INT(1, pix_reactor_wait(r, 0));
  op = pix_reactor_outbox(r);
  CHECK(op->id == first);
  pix_reactor_cancel(r, first); /* taken: the taker ends it */
  pix_reactor_finish(r, op);
  CHECK_INT(3, pix_reactor_pending(r));
  op = pix_reactor_drain(r);
  CHECK(op->id == second && op->cancelled);
  CHECK(op->next->id == first && !op->next->cancelled);
  probe_free(op->next);
  probe_free(op);
  op = pix_reactor_outbox(r);
  CHECK(op->id == third && pix_reactor_outbox(r) == NULL);
  pix_reactor_finish(r, op);
  collect(r, ids, 1);
  CHECK_INT(3, freed);
  pix_reactor_close(r);
}

static void takes_one_at_a_time(void) {
  struct pix_reactor *r = open_reactor(false);
  uint64_t ids[2];
  struct pix_op *op;

  for (int i = 0; i < 2; i++) ids[i] = pix_reactor_submit(r, pix_timer_new(0));
  for (int i = 0; i < 2; i++) {
    while (!pix_reactor_has_done(r)) pix_reactor_wait(r, 20);
    CHECK(readable(r));
    CHECK_INT(2 - i, pix_reactor_pending(r));
    op = pix_reactor_take(r);
    CHECK(op->id == ids[i] && op->next == NULL);
    op->verbs->free(op);
  }
  CHECK(!readable(r) && !pix_reactor_has_done(r));
  CHECK(pix_reactor_take(r) == NULL);
  CHECK_INT(0, pix_reactor_pending(r));
  pix_reactor_close(r);
}

static void a_virtual_close_frees_all(void) {
  struct pix_reactor *r = open_reactor(true);
  int freed = 0;

  for (int i = 0; i < 3; i++) pix_reactor_submit(r, probe_new(&exchange, &freed));
  pix_reactor_outbox(r);
  pix_reactor_submit(r, probe_new(&quick, &freed));
  submit_timer(r, 1);
  pix_reactor_close(r);
  CHECK_INT(4, freed);
}

static void a_virtual_one_has_no_doorbell(void) {
  struct pix_reactor *r = open_reactor(true);
  const char *path = NULL;

  CHECK_INT(PIX_EUNSUPPORTED, pix_reactor_doorbell(r, &path, NULL));
  pix_reactor_close(r);
}

static const struct check_test tests[] = {
    {"timers end in the order of their moments", timers_end_in_order},
    {"a timer never ends early", a_timer_is_never_early},
    {"ids are distinct, also between reactors", ids_are_distinct_and_not_zero},
    {"cancel ends a timer at once, and other ids do nothing", cancel_ends_a_timer_at_once},
    {"cancels may race with ends", many_cancels_race_with_ends},
    {"the descriptor is readable only while something waits", the_descriptor_tells_what_waits},
    {"every op ends exactly once", every_op_ends_once},
    {"another thread may finish an op", another_thread_may_finish},
    {"work that a driving owner leaves alone is done", work_left_alone_is_done},
    {"the loop changes hands without losing an op", the_loop_changes_hands},
    {"close takes the loop back from the owner", close_takes_the_loop_back},
    {"a signal ends the wait with -1", a_signal_ends_the_wait},
    {"the thread takes no signals", signals_are_not_the_threads},
    {"close with work under way frees all of it, 300 times", close_frees_what_is_under_way},
    {"a forked child closes without hanging or harming", a_child_can_close},
    {"a forked child can have a reactor of its own", a_child_can_open_its_own},
    {"virtual time stands still but for advance", virtual_time_stands_still},
    {"ten tenths of a virtual second are one second", ten_tenths_are_one_second},
    {"virtual timers end in order", virtual_timers_end_in_order},
    {"virtual exchanges wait in the outbox", exchanges_wait_in_the_outbox},
    {"one at a time may be taken, and the descriptor tells of the rest", takes_one_at_a_time},
    {"closing a virtual reactor frees every op, also one that was taken",
     a_virtual_close_frees_all},
    {"a virtual reactor has no doorbell", a_virtual_one_has_no_doorbell},
};

CHECK_MAIN(tests)
