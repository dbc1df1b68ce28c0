/*
** timer.c - the op that only waits; see reactor.h. Its place in the heap is the reactor's thread's.
*/
#include <stdlib.h>

#include "loop.h"

struct timer {
  struct pix_op op;
  double seconds;
  size_t place;
};

static void timer_due(void *reactor, void *item) {
  struct timer *timer = item;

  pix_reactor_finish(reactor, &timer->op);
}

static void timer_abort(struct pix_reactor *reactor, struct pix_op *op) {
  struct timer *timer = (struct timer *)op;

  pix_loop_forget(reactor, &timer->place);
  op->cancelled = true;
  pix_reactor_finish(reactor, op);
}

/* Without memory to wait it ends at once and says so: never lost. */
static void timer_start(struct pix_reactor *reactor, struct pix_op *op) {
  struct timer *timer = (struct timer *)op;

  if (pix_loop_after(reactor, timer->seconds, &timer->place, op, timer_due)) return;
  op->starved = true;
  timer_abort(reactor, op);
}

static void timer_free(struct pix_op *op) {
  free(op);
}

struct pix_op *pix_timer_new(double seconds) {
  static const struct pix_op_verbs verbs = {
      .start = timer_start, .abort = timer_abort, .free = timer_free};
  struct timer *timer = calloc(1, sizeof *timer);

  if (timer == NULL) return NULL;
  timer->op.verbs = &verbs;
  timer->seconds = seconds > 0 ? seconds : 0;
  if (timer->seconds > PIX_MAX_TIMEOUT) timer->seconds = PIX_MAX_TIMEOUT;
  return &timer->op;
}
