/*
** reactor.c - the owner's side of the reactor: submit, cancel, drain, wait; see reactor.h. The loop
** is in reactor_thread.c; who locks what stands in reactor_impl.h.
**
** An unfinished op is found by its id in a hash table whose chains run through the ops themselves,
** so that submit allocates nothing it could not do without. Ids count up, so they spread evenly.
*/
#include "reactor_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#define FIRST_BUCKETS 256
#define SECOND        INT64_C(1000000000)
#define VIRTUAL_WALL  INT64_C(1700000000)

int64_t pix_reactor_ticks(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static int64_t nanoseconds(double seconds) {
  if (!(seconds > 0)) return 0;
  if (seconds > 1e9) seconds = 1e9;
  return (int64_t)(seconds * 1e9 + 0.5);
}

void pix_op_list_append(struct pix_op_list *list, struct pix_op *op) {
  op->next = NULL;
  if (list->head == NULL)
    list->head = op;
  else
    list->tail->next = op;
  list->tail = op;
}

struct pix_op *pix_op_list_pop(struct pix_op_list *list) {
  struct pix_op *op = list->head;

  if (op == NULL) return NULL;
  list->head = op->next;
  if (list->head == NULL) list->tail = NULL;
  op->next = NULL;
  return op;
}

static bool list_remove(struct pix_op_list *list, struct pix_op *op) {
  struct pix_op *before = NULL;

  for (struct pix_op *at = list->head; at != NULL; before = at, at = at->next) {
    if (at != op) continue;
    if (before == NULL)
      list->head = op->next;
    else
      before->next = op->next;
    if (list->tail == op) list->tail = before;
    op->next = NULL;
    return true;
  }
  return false;
}

/* ---- the table of unfinished ops; under the lock ---- */

/* Out of memory is no failure: the chains only get longer. */
static void grow_locked(struct pix_reactor *r) {
  size_t mask = r->bucket_mask * 2 + 1;
  struct pix_op **buckets = calloc(mask + 1, sizeof *buckets);

  if (buckets == NULL) return;
  for (size_t i = 0; i <= r->bucket_mask; i++) {
    struct pix_op *op = r->buckets[i];
    while (op != NULL) {
      struct pix_op *next = op->chain;
      op->chain = buckets[op->id & mask];
      buckets[op->id & mask] = op;
      op = next;
    }
  }
  free(r->buckets);
  r->buckets = buckets;
  r->bucket_mask = mask;
}

static void insert_locked(struct pix_reactor *r, struct pix_op *op) {
  if (r->unfinished > r->bucket_mask) grow_locked(r);
  op->chain = r->buckets[op->id & r->bucket_mask];
  r->buckets[op->id & r->bucket_mask] = op;
  r->unfinished++;
}

static void remove_locked(struct pix_reactor *r, struct pix_op *op) {
  struct pix_op **link = &r->buckets[op->id & r->bucket_mask];

  while (*link != NULL && *link != op) link = &(*link)->chain;
  if (*link == NULL) return;
  *link = op->chain;
  op->chain = NULL;
  r->unfinished--;
}

struct pix_op *pix_reactor_find_locked(const struct pix_reactor *r, uint64_t id) {
  struct pix_op *op = r->buckets[id & r->bucket_mask];

  while (op != NULL && op->id != id) op = op->chain;
  return op;
}

/* ---- handing over ---- */

static void signal_locked(struct pix_reactor *r) {
  uint64_t one = 1;
  size_t size = r->read_fd == r->write_fd ? sizeof one : 1;

  if (r->signalled) return;
  r->signalled = true;
  while (write(r->write_fd, &one, size) < 0 && errno == EINTR) continue;
}

static void unsignal_locked(struct pix_reactor *r) {
  uint64_t count;

  if (!r->signalled) return;
  r->signalled = false;
  while (read(r->read_fd, &count, sizeof count) < 0 && errno == EINTR) continue;
}

static void forget_cancel_locked(struct pix_reactor *r, struct pix_op *op) {
  struct pix_op **link = &r->cancels;

  while (*link != NULL && *link != op) link = &(*link)->cancel_next;
  if (*link == op) *link = op->cancel_next;
}

void pix_reactor_deliver_locked(struct pix_reactor *r, struct pix_op *op) {
  remove_locked(r, op);
  if (op->state & PIX_OP_CANCEL) forget_cancel_locked(r, op);
  if (op->state & PIX_OP_BELL) pix_doorbell_mark(r->bell, op->id);
  if (r->listened && !r->signalled) pix_doorbell_mark(r->bell, PIX_DOORBELL_ALL);
  pix_op_list_append(&r->done, op);
  /* An owner that drives looks at the list before it leaves. */
  if (!r->driving || r->watched) signal_locked(r);
}

static bool on_thread(const struct pix_reactor *r) {
  return !r->is_virtual && pthread_equal(pthread_self(), r->thread);
}

static bool drives_locked(const struct pix_reactor *r) {
  return r->driving && pthread_equal(pthread_self(), r->driver);
}

void pix_reactor_finish(struct pix_reactor *r, struct pix_op *op) {
  bool wake = false;

  if (on_thread(r)) {
    pix_op_list_append(&r->finished, op);
    return;
  }
  pthread_mutex_lock(&r->lock);
  if (drives_locked(r)) {
    pix_op_list_append(&r->finished, op);
  } else if ((op->state & PIX_OP_BELL) || r->listened) {
    pix_op_list_append(&r->late, op); /* only the reactor's thread may touch the doorbell */
    wake = pix_reactor_call_locked(r);
  } else {
    pix_reactor_deliver_locked(r, op);
    wake = r->driving && pix_reactor_call_locked(r);
  }
  pthread_mutex_unlock(&r->lock);
  if (wake) curl_multi_wakeup(r->multi);
}

/* ---- the owner's calls ---- */

uint64_t pix_reactor_submit(struct pix_reactor *r, struct pix_op *op) {
  bool exchange = r->is_virtual && op->verbs->exchange;
  bool wake = false;
  uint64_t id;

  op->next = op->chain = op->cancel_next = NULL;
  op->state = 0;
  op->cancelled = op->starved = false;
  pthread_mutex_lock(&r->lock);
  id = op->id = ++r->last_id;
  insert_locked(r, op);
  r->pending++;
  if (exchange) pix_op_list_append(&r->outbox, op);
  if (!r->is_virtual && op->verbs->start != NULL) {
    pix_op_list_append(&r->submitted, op);
    wake = pix_reactor_call_locked(r);
  }
  pthread_mutex_unlock(&r->lock);
  if (wake) curl_multi_wakeup(r->multi);
  if (r->is_virtual && !exchange && op->verbs->start != NULL) op->verbs->start(r, op);
  return id;
}

/* The op to abort at once, in a virtual reactor. */
static struct pix_op *cancel_virtual_locked(struct pix_reactor *r, struct pix_op *op) {
  if (op->verbs->abort == NULL) return NULL;
  if (op->verbs->exchange && !list_remove(&r->outbox, op)) return NULL;
  return op;
}

void pix_reactor_cancel(struct pix_reactor *r, uint64_t id) {
  struct pix_op *op, *now = NULL;
  bool wake = false;

  pthread_mutex_lock(&r->lock);
  op = pix_reactor_find_locked(r, id);
  if (op != NULL && r->is_virtual) {
    now = cancel_virtual_locked(r, op);
  } else if (op != NULL && op->verbs->abort != NULL && !(op->state & PIX_OP_CANCEL)) {
    op->state |= PIX_OP_CANCEL;
    op->cancel_next = r->cancels;
    r->cancels = op;
    wake = pix_reactor_call_locked(r);
  }
  pthread_mutex_unlock(&r->lock);
  if (wake) curl_multi_wakeup(r->multi);
  if (now != NULL) now->verbs->abort(r, now);
}

struct pix_op *pix_reactor_drain(struct pix_reactor *r) {
  struct pix_op *batch;

  pthread_mutex_lock(&r->lock);
  batch = r->done.head;
  r->done.head = r->done.tail = NULL;
  unsignal_locked(r);
  for (const struct pix_op *op = batch; op != NULL; op = op->next) r->pending--;
  pthread_mutex_unlock(&r->lock);
  return batch;
}

struct pix_op *pix_reactor_take(struct pix_reactor *r) {
  struct pix_op *op;

  pthread_mutex_lock(&r->lock);
  op = r->done.head;
  if (op != NULL) {
    r->done.head = op->next;
    op->next = NULL;
    r->pending--;
  }
  if (r->done.head == NULL) {
    r->done.tail = NULL;
    unsignal_locked(r);
  }
  pthread_mutex_unlock(&r->lock);
  return op;
}

int pix_reactor_fd(struct pix_reactor *r) {
  pthread_mutex_lock(&r->lock);
  r->watched = true;
  if (r->done.head != NULL) signal_locked(r);
  pthread_mutex_unlock(&r->lock);
  return r->read_fd;
}

bool pix_reactor_has_done(struct pix_reactor *r) {
  bool yes;

  pthread_mutex_lock(&r->lock);
  yes = r->done.head != NULL;
  pthread_mutex_unlock(&r->lock);
  return yes;
}

/* The thread drives; its signal is what the owner sleeps for. */
static int wait_for_signal(struct pix_reactor *r, int64_t end) {
  struct pollfd fd = {r->read_fd, POLLIN, 0};

  for (;;) {
    int64_t left = end == INT64_MAX ? -1 : (end - pix_reactor_ticks() + 999999) / 1000000;
    int got;
    if (end != INT64_MAX && left < 0) left = 0;
    if (left > INT_MAX) left = INT_MAX;
    got = poll(&fd, 1, (int)left);
    if (got > 0) return 1;
    if (got < 0) return -1;
    if (pix_reactor_ticks() >= end) return 0;
  }
}

int pix_reactor_wait(struct pix_reactor *r, double seconds) {
  int64_t end;
  int got;

  if (pix_reactor_has_done(r)) return 1;
  if (r->is_virtual) return 0;
  end = seconds < 0 ? INT64_MAX : pix_reactor_ticks() + nanoseconds(seconds);
  got = seconds == 0 ? -2 : pix_reactor_drive(r, end);
  return got != -2 ? got : wait_for_signal(r, end);
}

size_t pix_reactor_pending(struct pix_reactor *r) {
  size_t pending;

  pthread_mutex_lock(&r->lock);
  pending = r->pending;
  pthread_mutex_unlock(&r->lock);
  return pending;
}

double pix_reactor_now(const struct pix_reactor *r) {
  return (double)(r->is_virtual ? r->now : pix_reactor_ticks()) / 1e9;
}

double pix_reactor_wall(const struct pix_reactor *r) {
  struct timespec now;

  if (r->is_virtual) { /* in two parts: the whole has more digits than a double */
    int64_t wall = r->wall + r->now, whole = wall / SECOND;
    return (double)whole + (double)(wall % SECOND) / 1e9;
  }
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int pix_reactor_doorbell(struct pix_reactor *r, const char **path, struct pix_err *err) {
  struct pix_doorbell *bell = r->bell; /* written by this thread only */

  if (r->is_virtual)
    return pix_err_set(err, PIX_EUNSUPPORTED, NULL, "a virtual reactor has no doorbell");
  if (bell == NULL) {
    int kind = pix_doorbell_new(&bell, err);
    if (kind != PIX_OK) return kind;
    pthread_mutex_lock(&r->lock);
    r->bell = bell;
    pix_reactor_return_locked(r);
    pthread_mutex_unlock(&r->lock);
    curl_multi_wakeup(r->multi);
  }
  *path = pix_doorbell_path(bell);
  return PIX_OK;
}

/* ---- virtual reactors ---- */

void pix_reactor_advance(struct pix_reactor *r, double seconds) {
  r->now += nanoseconds(seconds);
  pix_heap_run(&r->heap, r->now, r);
}

double pix_reactor_next_timer(const struct pix_reactor *r) {
  const struct pix_heap_entry *top = pix_heap_top(&r->heap);

  if (top == NULL) return -1;
  return top->when > r->now ? (double)(top->when - r->now) / 1e9 : 0;
}

struct pix_op *pix_reactor_outbox(struct pix_reactor *r) {
  struct pix_op *op;

  pthread_mutex_lock(&r->lock);
  op = pix_op_list_pop(&r->outbox);
  pthread_mutex_unlock(&r->lock);
  return op;
}

void pix_reactor_set_wall(struct pix_reactor *r, double epoch) {
  int64_t whole = (int64_t)epoch;

  r->wall = whole * SECOND + nanoseconds(epoch - (double)whole) - r->now;
}

/* ---- what loop.h offers ---- */

CURLMcode pix_loop_add(struct pix_reactor *r, struct pix_transfer *transfer, bool spread) {
  r->started = true;
  return pix_shards_add(&r->shards, transfer->easy, spread, &transfer->shard);
}

void pix_loop_remove(struct pix_reactor *r, struct pix_transfer *transfer) {
  pix_shards_remove(&r->shards, transfer->shard, transfer->easy, r->now);
}

bool pix_loop_after(struct pix_reactor *r, double seconds, size_t *place, void *item,
                    void (*due)(void *reactor, void *item)) {
  return pix_heap_put(&r->heap, r->now + nanoseconds(seconds), place, item, due);
}

void pix_loop_forget(struct pix_reactor *r, size_t *place) {
  pix_heap_remove(&r->heap, place);
}

bool pix_loop_stopping(const struct pix_reactor *r) {
  return r->stopping;
}

pid_t pix_loop_pid(const struct pix_reactor *r) {
  return r->pid;
}

/* ---- birth and death ---- */

static bool open_descriptor(struct pix_reactor *r) {
#ifdef __linux__
  r->read_fd = r->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return r->read_fd >= 0;
#else
  int ends[2];

  if (pipe(ends) != 0) return false;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  r->read_fd = ends[0];
  r->write_fd = ends[1];
  return true;
#endif
}

static void close_descriptor(struct pix_reactor *r) {
  if (r->read_fd >= 0) close(r->read_fd);
  if (r->write_fd >= 0 && r->write_fd != r->read_fd) close(r->write_fd);
}

/* All signals stay with the program's own threads; SIGPIPE from a TLS socket dies here. */
static bool start_thread(struct pix_reactor *r) {
  sigset_t all, before;
  int failed;

  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_mutex_lock(&r->lock);
  failed = pthread_create(&r->thread, NULL, pix_reactor_thread, r);
  pthread_mutex_unlock(&r->lock);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return failed == 0;
}

static bool start_multi(struct pix_reactor *r) {
  curl_global_init(CURL_GLOBAL_DEFAULT);
  if (!pix_shards_init(&r->shards)) return false;
  r->multi = r->shards.shard[0].multi;
  r->may_drive = curl_version_info(CURLVERSION_NOW)->version_num >= 0x075700;
  return true;
}

static void mark_process(struct pix_reactor *r) {
#ifdef MADV_WIPEONFORK
  size_t size = (size_t)sysconf(_SC_PAGESIZE);
  void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (page == MAP_FAILED) return;
  if (madvise(page, size, MADV_WIPEONFORK) != 0) {
    munmap(page, size);
    return;
  }
  r->here = page;
  *r->here = 1;
#else
  (void)r;
#endif
}

static void destroy(struct pix_reactor *r) {
  if (r->here != NULL) munmap((void *)r->here, (size_t)sysconf(_SC_PAGESIZE));
  close_descriptor(r);
  pthread_cond_destroy(&r->given);
  pthread_cond_destroy(&r->parked);
  pthread_mutex_destroy(&r->lock);
  pix_heap_fini(&r->heap);
  free(r->buckets);
  free(r);
}

static void init_conditions(struct pix_reactor *r) {
  pthread_condattr_t attr;

  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&r->parked, &attr);
  pthread_cond_init(&r->given, NULL);
  pthread_condattr_destroy(&attr);
}

int pix_reactor_new(bool is_virtual, struct pix_reactor **out, struct pix_err *err) {
  struct pix_reactor *r = calloc(1, sizeof *r);

  if (r == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  pthread_mutex_init(&r->lock, NULL);
  init_conditions(r);
  pix_heap_init(&r->heap);
  r->is_virtual = is_virtual;
  r->pid = getpid();
  mark_process(r);
  r->read_fd = r->write_fd = -1;
  r->wall = VIRTUAL_WALL * SECOND;
  /* From the clock, so that a later reactor of this process never gives an id again. */
  r->last_id = is_virtual ? 0 : (uint64_t)pix_reactor_ticks() / 1000;
  r->bucket_mask = FIRST_BUCKETS - 1;
  r->buckets = calloc(FIRST_BUCKETS, sizeof *r->buckets);
  if (r->buckets == NULL || !open_descriptor(r)) goto fail;
  if (!is_virtual && !start_multi(r)) goto fail;
  if (!is_virtual && !start_thread(r)) {
    pix_shards_fini(&r->shards);
    goto fail;
  }
  *out = r;
  return PIX_OK;
fail:
  destroy(r);
  return pix_err_set(err, PIX_EINTERNAL, NULL, "the reactor cannot start: %s", strerror(errno));
}

/* It is asked many times per op, and getpid is a system call each time. */
bool pix_reactor_alive(const struct pix_reactor *r) {
  return r->here != NULL ? *r->here != 0 : r->pid == getpid();
}

static void free_all(struct pix_op_list *list) {
  struct pix_op *op;

  while ((op = pix_op_list_pop(list)) != NULL) op->verbs->free(op);
}

/* What is left has no abort, or waits in a virtual reactor; nobody works on it any more. */
static void free_ops(struct pix_reactor *r) {
  free_all(&r->done);
  for (size_t i = 0; i <= r->bucket_mask; i++) {
    struct pix_op *op = r->buckets[i];
    while (op != NULL) {
      struct pix_op *next = op->chain;
      op->verbs->free(op);
      op = next;
    }
  }
}

void pix_reactor_enlist(struct pix_reactor *r, struct pix_worker *worker) {
  worker->next = r->workers;
  r->workers = worker;
}

void pix_reactor_delist(struct pix_reactor *r, struct pix_worker *worker) {
  struct pix_worker **link = &r->workers;

  while (*link != NULL && *link != worker) link = &(*link)->next;
  if (*link != NULL) *link = worker->next;
}

static void dismiss(struct pix_reactor *r) {
  while (r->workers != NULL) {
    struct pix_worker *worker = r->workers;
    r->workers = worker->next;
    worker->leave(worker, r);
  }
}

void pix_reactor_close(struct pix_reactor *r) {
  if (r == NULL) return;
  if (!pix_reactor_alive(r)) { /* the lock may be held for ever, the lists be half written */
    close_descriptor(r);
    if (r->bell != NULL) pix_doorbell_abandon(r->bell);
    return;
  }
  dismiss(r);
  if (!r->is_virtual) {
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pix_reactor_return_locked(r);
    curl_multi_wakeup(r->multi); /* under the lock: once it sees stop, the thread frees multi */
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
  }
  free_ops(r);
  if (r->bell != NULL) pix_doorbell_free(r->bell);
  destroy(r);
}
