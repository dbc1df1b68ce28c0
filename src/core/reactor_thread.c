/*
** reactor_thread.c - the loop.
**
** DESIGN. One turn: take what the owner submitted and cancelled, run the timers that are due, let
** libcurl work, hand over what got finished, sleep in curl_multi_poll. Ops that finish during a
** turn gather in a list of the thread's own and cross to the owner at two points of the turn, under
** one lock and with at most one write to the descriptor. The owner wakes the thread only when
** `sleeping` is set, and clears it, so that a batch of submits costs one wakeup; libcurl's wakeup
** is sticky, so one that comes between the unlock and the poll is not lost.
**
** Cancels are taken one by one, each after what is finished has been handed over: an op in the list
** of cancels is therefore never a finished one.
*/
#include "reactor_impl.h"

#include <poll.h>
#include <signal.h>

#define LONGEST_SLEEP 60000 /* ms */
#define BELL_PAUSE    100

static void hand_over_locked(struct pix_reactor *r) {
  struct pix_op *op;

  while ((op = pix_op_list_pop(&r->finished)) != NULL) pix_reactor_deliver_locked(r, op);
  while ((op = pix_op_list_pop(&r->late)) != NULL) pix_reactor_deliver_locked(r, op);
}

static struct pix_op *pop_cancel_locked(struct pix_reactor *r) {
  struct pix_op *op = r->cancels;

  if (op == NULL) return NULL;
  r->cancels = op->cancel_next;
  op->cancel_next = NULL;
  op->state &= (unsigned char)~PIX_OP_CANCEL;
  return op;
}

static void start_all(struct pix_reactor *r, struct pix_op *op) {
  while (op != NULL) {
    struct pix_op *next = op->next;
    op->next = NULL;
    op->verbs->start(r, op);
    op = next;
  }
}

/* False: the reactor is closing. */
static bool take_work(struct pix_reactor *r) {
  struct pix_op *batch, *cancelled;
  bool stop;

  pthread_mutex_lock(&r->lock);
  r->sleeping = false;
  stop = r->stop;
  hand_over_locked(r);
  batch = r->submitted.head;
  r->submitted.head = r->submitted.tail = NULL;
  cancelled = batch == NULL ? pop_cancel_locked(r) : NULL;
  pthread_mutex_unlock(&r->lock);
  r->now = pix_reactor_ticks();
  if (!stop) start_all(r, batch);
  while (!stop && (batch != NULL || cancelled != NULL)) {
    if (cancelled != NULL) cancelled->verbs->abort(r, cancelled);
    batch = NULL;
    pthread_mutex_lock(&r->lock);
    hand_over_locked(r);
    /* A cancel that came with new work waits for it: an op is started before it is aborted. */
    cancelled = r->submitted.head == NULL ? pop_cancel_locked(r) : NULL;
    pthread_mutex_unlock(&r->lock);
  }
  return !stop;
}

/* What a finished transfer starts in its place gets its first perform at once; but only one round
** of them, so that a long queue does not keep the owner from what is finished. */
static void work_curl(struct pix_reactor *r) {
  int running, left, rounds = 2;

  do {
    CURLMsg *message;
    r->started = false;
    curl_multi_perform(r->multi, &running);
    while ((message = curl_multi_info_read(r->multi, &left)) != NULL) {
      struct pix_transfer *transfer = NULL;
      if (message->msg != CURLMSG_DONE) continue;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
      transfer->done(r, transfer, message->data.result);
    }
  } while (r->started && --rounds > 0);
}

static int sleep_time(struct pix_reactor *r) {
  const struct pix_heap_entry *top = pix_heap_top(&r->heap);
  int64_t ms;

  if (top == NULL) return LONGEST_SLEEP;
  ms = (top->when - pix_reactor_ticks() + 999999) / 1000000;
  if (ms < 0) return 0;
  return ms > LONGEST_SLEEP ? LONGEST_SLEEP : (int)ms;
}

static bool nothing_done(struct pix_reactor *r) {
  bool nothing;

  pthread_mutex_lock(&r->lock);
  r->listened = true;
  nothing = r->done.head == NULL;
  pthread_mutex_unlock(&r->lock);
  return nothing;
}

static bool unfinished(void *context, uint64_t id) {
  struct pix_reactor *r = context;
  struct pix_op *op;

  if (id == PIX_DOORBELL_ALL) return nothing_done(r);
  pthread_mutex_lock(&r->lock);
  op = pix_reactor_find_locked(r, id);
  if (op != NULL) op->state |= PIX_OP_BELL;
  pthread_mutex_unlock(&r->lock);
  return op != NULL;
}

static void rest(struct pix_reactor *r) {
  struct pix_doorbell *bell;
  struct curl_waitfd *fds = NULL;
  unsigned count = 0;
  bool work;
  int wait;

  pthread_mutex_lock(&r->lock);
  hand_over_locked(r);
  work = r->submitted.head != NULL || r->cancels != NULL || r->stop;
  r->sleeping = !work;
  bell = r->bell;
  pthread_mutex_unlock(&r->lock);
  wait = work ? 0 : sleep_time(r);
  if (bell != NULL) {
    pix_doorbell_ring(bell);
    count = pix_doorbell_fds(bell, &fds);
    if (pix_doorbell_paused(bell) && wait > BELL_PAUSE) wait = BELL_PAUSE;
  }
  /* A failing poll must not become a busy loop. */
  if (curl_multi_poll(r->multi, fds, count, wait, NULL) != CURLM_OK) poll(NULL, 0, 5);
  if (bell != NULL) pix_doorbell_turn(bell, pix_reactor_ticks(), unfinished, r);
}

/* The end: every op that can be stopped is, here, where libcurl's handles belong. What never was
** seen by this thread is aborted without having been started. */
static void wind_up(struct pix_reactor *r) {
  r->stopping = true;
  pthread_mutex_lock(&r->lock);
  hand_over_locked(r);
  for (size_t i = 0; i <= r->bucket_mask; i++) {
    for (struct pix_op *op = r->buckets[i]; op != NULL; op = op->chain) {
      if (op->verbs->abort != NULL) op->verbs->abort(r, op);
    }
  }
  r->submitted.head = r->submitted.tail = NULL;
  hand_over_locked(r);
  pthread_mutex_unlock(&r->lock);
  pix_heap_fini(&r->heap);
  curl_multi_cleanup(r->multi);
}

void *pix_reactor_thread(void *reactor) {
  struct pix_reactor *r = reactor;

  pthread_mutex_lock(&r->lock); /* until the creator has stored r->thread */
  pthread_mutex_unlock(&r->lock);
  while (take_work(r)) {
    pix_heap_run(&r->heap, r->now, r);
    work_curl(r);
    rest(r);
  }
  wind_up(r);
  return NULL;
}
