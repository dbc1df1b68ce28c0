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
** THE BATON. With few ops under way the two thread switches of an op cost more than its work. So an
** owner who blocks in pix_reactor_wait anyway takes the baton and runs the loop on his own thread,
** and keeps it while he is away: the next wait finds it there, and what he finds finished needs no
** signal. Work must not lie while he is busy elsewhere: as long as he is away and anything is
** unfinished, the parked thread looks every tick, and takes the baton back if he has not been in
** the loop since the last look. Without work it sleeps until submit, cancel or leave call it. An
** owner with many ops, or who lets the thread take over, or who has a doorbell, does not drive:
** there the thread and he work side by side.
**
** GATHERING. perform looks at every transfer of a shard, with a system call for each, however few
** can go on. With many of them in one, as those of an HTTP/2 server are, and an owner who serves
** others at the doorbell's end, the thread therefore lets a little time pass between two turns, in
** which more get ready: what it costs to look is then shared by those. The pause grows with their
** number, as the looking does, and is small against any provider's answer. An owner who only waits
** gains nothing by it, nor does who has few in a shard: what gathers reaches him in bursts.
**
** Cancels are taken one by one, each after what is finished has been handed over: an op in the list
** of cancels is therefore never a finished one.
*/
#include "reactor_impl.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#define LONGEST_SLEEP 60000 /* ms */
#define BELL_PAUSE    100
#define TICK          4000000 /* ns; work left alone waits for two at most */
#define QUIET_TICKS   10      /* without work, until the thread sleeps for good */
#define PENALTY       16      /* waits without driving, for an owner who left work alone */
#define MOST_TAKEN    8       /* ops under way with which the owner takes the baton */
#define MOST_KEPT     12      /* … and keeps it */
#define GATHER_FROM   24      /* transfers in the first shard from which turns are spaced */
#define GATHER_EACH   4000    /* ns between two turns, for each of them */
#define GATHER_MOST   1000000

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

static void work_shard(struct pix_reactor *r, struct pix_shard *shard) {
  CURLMsg *message;
  int running, left;

  curl_multi_perform(shard->multi, &running);
  while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
    struct pix_transfer *transfer = NULL;
    if (message->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
    transfer->done(r, transfer, message->data.result);
  }
}

/* What a finished transfer starts in its place gets its first perform at once; but only one round
** of them, so that a long queue does not keep the owner from what is finished. */
static void work_curl(struct pix_reactor *r) {
  int rounds = 2;

  do {
    struct pix_shard *shard;
    int at = 0;
    r->started = false;
    while ((shard = pix_shards_next(&r->shards, &at, r->now)) != NULL) work_shard(r, shard);
  } while (r->started && --rounds > 0);
  pix_shards_tidy(&r->shards, r->now);
}

/* Until the next timer is due, and `end` at the latest. */
static int sleep_time(struct pix_reactor *r, int64_t end) {
  const struct pix_heap_entry *top = pix_heap_top(&r->heap);
  int64_t ms;

  if (top != NULL && top->when < end) end = top->when;
  if (end == INT64_MAX) return LONGEST_SLEEP;
  ms = (end - pix_reactor_ticks() + 999999) / 1000000;
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

/* Sleeps until a turn that began at r->now is old enough for another one. */
static void gather(const struct pix_reactor *r) {
  int transfers = r->shards.shard[0].active;
  int64_t space = (int64_t)transfers * GATHER_EACH, left;
  struct timespec pause = {0, 0};

  if (transfers < GATHER_FROM) return;
  left = r->now + (space < GATHER_MOST ? space : GATHER_MOST) - pix_reactor_ticks();
  if (left <= 0) return;
  pause.tv_nsec = (long)left;
  nanosleep(&pause, NULL);
}

void pix_reactor_nap(struct pix_reactor *r, double seconds) {
  pthread_mutex_lock(&r->lock);
  r->nap = (int64_t)(seconds * 1e9);
  pthread_mutex_unlock(&r->lock);
}

static void rest(struct pix_reactor *r) {
  struct pix_doorbell *bell;
  struct curl_waitfd *fds = NULL;
  unsigned count = 0;
  int64_t end = INT64_MAX;
  bool work;
  int wait;

  pthread_mutex_lock(&r->lock);
  hand_over_locked(r);
  work = r->submitted.head != NULL || r->cancels != NULL || r->stop || r->wanted;
  if (r->nap > 0 && r->shards.active > 0) end = pix_reactor_ticks() + r->nap;
  r->sleeping = !work && end == INT64_MAX;
  bell = r->bell;
  pthread_mutex_unlock(&r->lock);
  wait = work ? 0 : sleep_time(r, end);
  if (bell != NULL) {
    pix_doorbell_ring(bell);
    count = pix_doorbell_fds(bell, &fds);
    if (pix_doorbell_paused(bell) && wait > BELL_PAUSE) wait = BELL_PAUSE;
  }
  /* A failing poll must not become a busy loop. */
  if (pix_shards_poll(&r->shards, fds, count, wait, r->now) != CURLM_OK) poll(NULL, 0, 5);
  if (bell == NULL) return;
  gather(r);
  pix_doorbell_turn(bell, pix_reactor_ticks(), unfinished, r);
}

/* ---- the baton ---- */

bool pix_reactor_call_locked(struct pix_reactor *r) {
  bool wake = r->sleeping;

  r->sleeping = false;
  if (r->owners && !r->driving && r->deep) pthread_cond_signal(&r->parked);
  return wake;
}

void pix_reactor_return_locked(struct pix_reactor *r) {
  r->owners = false;
  pthread_cond_signal(&r->parked);
}

/* Sleeps a tick, or, if in the last ones neither work nor the owner came, until called. */
static void doze_locked(struct pix_reactor *r, int quiet) {
  struct timespec until;

  r->deep = quiet > QUIET_TICKS;
  if (r->deep) {
    pthread_cond_wait(&r->parked, &r->lock);
  } else {
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK;
    if (until.tv_nsec >= 1000000000) until.tv_sec++;
    if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&r->parked, &r->lock, &until);
  }
  r->deep = false;
}

/* The thread, between two turns: gives the baton to an owner who wants it, and comes back when it
** is returned, or when the owner has left work alone for a whole tick. */
static void lend_baton(struct pix_reactor *r) {
  unsigned seen;
  int quiet = 0;

  pthread_mutex_lock(&r->lock);
  if (r->wanted && !r->stop) {
    r->wanted = false;
    r->owners = r->driving = true; /* or it might be taken back before he wakes */
    pthread_cond_signal(&r->given);
  }
  seen = r->visits;
  while (r->owners) {
    unsigned visits = r->visits;
    bool needed = !r->driving && r->unfinished > 0;
    /* An owner who comes and goes would have to call a thread that sleeps at every submit. */
    quiet = needed || visits != seen ? 0 : quiet + 1;
    seen = visits;
    doze_locked(r, quiet);
    if (!r->owners || !needed || r->unfinished == 0 || r->visits != visits) continue;
    r->owners = false;
    r->penalty = PENALTY;
  }
  pthread_mutex_unlock(&r->lock);
}

/* ---- the owner drives ---- */

/* Takes the baton if few ops are under way, and returns it if many are. */
static bool take_baton(struct pix_reactor *r) {
  bool mine;

  pthread_mutex_lock(&r->lock);
  if (r->penalty > 0) r->penalty--;
  mine = r->may_drive && r->bell == NULL && r->penalty == 0 &&
         r->unfinished <= (r->owners ? MOST_KEPT : MOST_TAKEN);
  if (!mine && r->owners) pix_reactor_return_locked(r);
  if (mine && !r->owners) {
    r->wanted = true;
    if (pix_reactor_call_locked(r)) curl_multi_wakeup(r->multi);
    while (r->wanted) pthread_cond_wait(&r->given, &r->lock);
  }
  r->driving = mine;
  if (mine) r->driver = pthread_self();
  if (mine) r->visits++;
  pthread_mutex_unlock(&r->lock);
  return mine;
}

static void leave(struct pix_reactor *r) {
  pthread_mutex_lock(&r->lock);
  r->driving = false;
  if (r->unfinished > 0 && r->deep) pthread_cond_signal(&r->parked);
  pthread_mutex_unlock(&r->lock);
}

/* Something is done, or sleeps until something may be: false, then a signal may have come. */
static bool done_or_rest(struct pix_reactor *r, int64_t end, bool *signal) {
  bool done;

  pthread_mutex_lock(&r->lock);
  hand_over_locked(r);
  done = r->done.head != NULL;
  r->sleeping = !done;
  pthread_mutex_unlock(&r->lock);
  if (done) return true;
  errno = 0;
  if (pix_shards_poll(&r->shards, NULL, 0, sleep_time(r, end), r->now) != CURLM_OK)
    poll(NULL, 0, 5);
  *signal = errno == EINTR; /* libcurl takes it for a time-out */
  return false;
}

int pix_reactor_drive(struct pix_reactor *r, int64_t end) {
  bool signal = false;
  int got = -2;

  if (!take_baton(r)) return got;
  while (got == -2) {
    take_work(r);
    pix_heap_run(&r->heap, r->now, r);
    work_curl(r);
    if (done_or_rest(r, end, &signal)) got = 1;
    if (got == -2 && signal) got = -1;
    if (got == -2 && pix_reactor_ticks() >= end) got = 0;
  }
  leave(r);
  return got;
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
  pix_shards_fini(&r->shards);
}

void *pix_reactor_thread(void *reactor) {
  struct pix_reactor *r = reactor;

  pthread_mutex_lock(&r->lock); /* until the creator has stored r->thread */
  pthread_mutex_unlock(&r->lock);
  while (take_work(r)) {
    pix_heap_run(&r->heap, r->now, r);
    work_curl(r);
    rest(r);
    lend_baton(r);
  }
  wind_up(r);
  return NULL;
}
