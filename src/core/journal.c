/*
** journal.c - the journal's owner's side, and the thread's loop; see journal.h, journal_impl.h.
*/
#include "journal_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <openssl/rand.h>

#define CLOSE_SECONDS 1 /* how long a close waits for a database that works */

int64_t pix_journal_ticks(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * PIX_JOURNAL_SECOND + now.tv_nsec;
}

/* ---- the thread ---- */

static bool take_batch(struct pix_journal *j) {
  struct pix_tx *last;

  pthread_mutex_lock(&j->lock);
  while (j->queue.head == NULL && !j->closing) pthread_cond_wait(&j->changed, &j->lock);
  j->batch = j->queue;
  last = j->queue.head;
  for (int i = 1; last != NULL && i < PIX_MAX_BATCH && last->next != NULL; i++) last = last->next;
  if (last != NULL) {
    j->queue.head = last->next;
    if (last->next == NULL) j->queue.tail = NULL;
    last->next = NULL;
    j->batch.tail = last;
  }
  pthread_mutex_unlock(&j->lock);
  return j->batch.head != NULL;
}

static void finish_batch(struct pix_journal *j) {
  pthread_mutex_lock(&j->lock);
  j->troubled = false;
  j->commits++;
  while (j->batch.head != NULL) {
    struct pix_tx *tx = j->batch.head;
    j->batch.head = tx->next;
    tx->next = NULL;
    j->transactions++;
    if (tx->ticket != NULL)
      pix_reactor_finish(tx->ticket->reactor, &tx->ticket->op);
    else
      pix_tx_free(tx);
  }
  j->batch.tail = NULL;
  pthread_cond_broadcast(&j->changed);
  pthread_mutex_unlock(&j->lock);
}

static void *thread_main(void *journal) {
  struct pix_journal *j = journal;

  while (take_batch(j)) {
    pix_journal_run_batch(j);
    finish_batch(j);
  }
  pix_journal_end_session(j);
  pthread_mutex_lock(&j->lock);
  j->ended = true;
  pthread_cond_broadcast(&j->changed);
  pthread_mutex_unlock(&j->lock);
  return NULL;
}

/* ---- tickets; the owner ---- */

static void tear_off(struct tx_list *list, const struct pix_reactor *reactor) {
  for (struct pix_tx *tx = list->head; tx != NULL; tx = tx->next) {
    if (tx->ticket == NULL || tx->ticket->reactor != reactor) continue;
    tx->ticket->tx = NULL;
    tx->ticket = NULL;
  }
}

/* The reactor closes and frees its ops. */
static void leave(struct pix_worker *worker, struct pix_reactor *reactor) {
  struct desk *desk = (struct desk *)worker, **link;
  struct pix_journal *j = desk->journal;

  pthread_mutex_lock(&j->lock);
  tear_off(&j->queue, reactor);
  tear_off(&j->batch, reactor);
  pthread_mutex_unlock(&j->lock);
  for (link = &j->desks; *link != desk;) link = &(*link)->next;
  *link = desk->next;
  free(desk);
}

static bool enlist(struct pix_journal *j, struct pix_reactor *reactor) {
  struct desk *desk;

  for (desk = j->desks; desk != NULL; desk = desk->next) {
    if (desk->reactor == reactor) return true;
  }
  desk = calloc(1, sizeof *desk);
  if (desk == NULL) return false;
  desk->worker.leave = leave;
  desk->journal = j;
  desk->reactor = reactor;
  desk->next = j->desks;
  j->desks = desk;
  pix_reactor_enlist(reactor, &desk->worker);
  return true;
}

static void ticket_free(struct pix_op *op) {
  struct pix_ticket *ticket = (struct pix_ticket *)op;

  pix_tx_free(ticket->tx);
  free(ticket);
}

struct pix_op *pix_journal_op(struct pix_journal *j, struct pix_reactor *reactor,
                              struct pix_tx *tx) {
  static const struct pix_op_verbs verbs = {.free = ticket_free};
  struct pix_ticket *ticket = calloc(1, sizeof *ticket);

  if (ticket == NULL || !enlist(j, reactor)) {
    free(ticket);
    pix_tx_free(tx);
    return NULL;
  }
  ticket->op.verbs = &verbs;
  ticket->journal = j;
  ticket->reactor = reactor;
  ticket->tx = tx;
  tx->ticket = ticket;
  return &ticket->op;
}

void pix_journal_put(struct pix_op *op) {
  struct pix_ticket *ticket = (struct pix_ticket *)op;
  struct pix_journal *j = ticket->journal;

  ticket->tx->since = pix_journal_ticks();
  ticket->tx->next = NULL;
  pthread_mutex_lock(&j->lock);
  if (j->queue.head == NULL)
    j->queue.head = ticket->tx;
  else
    j->queue.tail->next = ticket->tx;
  j->queue.tail = ticket->tx;
  pthread_cond_broadcast(&j->changed);
  pthread_mutex_unlock(&j->lock);
}

const struct pix_tx *pix_journal_tx(const struct pix_op *op) {
  return ((const struct pix_ticket *)op)->tx;
}

void pix_journal_flush(struct pix_journal *j) {
  pthread_mutex_lock(&j->lock);
  while (j->queue.head != NULL || j->batch.head != NULL) pthread_cond_wait(&j->changed, &j->lock);
  pthread_mutex_unlock(&j->lock);
}

void pix_journal_count(struct pix_journal *j, int64_t *commits, int64_t *transactions) {
  pthread_mutex_lock(&j->lock);
  *commits = j->commits;
  *transactions = j->transactions;
  pthread_mutex_unlock(&j->lock);
}

/* ---- birth and death ---- */

static bool start_thread(struct pix_journal *j) {
  sigset_t all, before;
  int failed;

  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  failed = pthread_create(&j->thread, NULL, thread_main, j);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = failed;
  return failed == 0;
}

static bool open_pipe(struct pix_journal *j) {
  if (pipe(j->wake) != 0) return false;
  for (int i = 0; i < 2; i++) {
    fcntl(j->wake[i], F_SETFD, FD_CLOEXEC);
    fcntl(j->wake[i], F_SETFL, O_NONBLOCK);
  }
  return true;
}

static void name_writer(struct pix_journal *j) {
  static const char digits[] = "0123456789abcdef";
  unsigned char bytes[16];

  RAND_bytes(bytes, sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) {
    j->writer[2 * i] = digits[bytes[i] >> 4];
    j->writer[2 * i + 1] = digits[bytes[i] & 15];
  }
}

static void destroy(struct pix_journal *j) {
  for (int i = 0; i < 2; i++) {
    if (j->wake[i] >= 0) close(j->wake[i]);
  }
  pthread_mutex_destroy(&j->lock);
  pthread_cond_destroy(&j->changed);
  pix_secret_fini(&j->where);
  free(j->list);
  free(j);
}

int pix_journal_new(const struct pix_journal_backend *backend, const char *where, size_t len,
                    double patience, struct pix_journal **out, struct pix_err *err) {
  struct pix_journal *j = calloc(1, sizeof *j);
  int kind;

  if (j == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  pthread_mutex_init(&j->lock, NULL);
  pthread_cond_init(&j->changed, NULL);
  j->backend = backend;
  j->patience = patience;
  j->pid = getpid();
  j->wake[0] = j->wake[1] = -1;
  name_writer(j);
  kind = pix_secret_set(&j->where, where, len, "journal", err);
  if (kind == PIX_OK && (!open_pipe(j) || !start_thread(j)))
    kind = pix_err_set(err, PIX_EINTERNAL, NULL, "the journal cannot start: %s", strerror(errno));
  if (kind != PIX_OK) {
    destroy(j);
    return kind;
  }
  *out = j;
  return PIX_OK;
}

bool pix_journal_alive(const struct pix_journal *j) {
  return j->pid == getpid();
}

/* Until the queue is empty, or the database makes trouble, or the time is over. */
static void wait_for_end(struct pix_journal *j) {
  struct timespec until;

  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += CLOSE_SECONDS;
  pthread_mutex_lock(&j->lock);
  j->closing = true;
  pthread_cond_broadcast(&j->changed);
  while (!j->ended && !j->troubled) {
    if (pthread_cond_timedwait(&j->changed, &j->lock, &until) != 0) break;
  }
  pthread_mutex_unlock(&j->lock);
}

void pix_journal_close(struct pix_journal *j) {
  if (j == NULL || !pix_journal_alive(j)) return; /* there, the lock may be held for ever */
  wait_for_end(j);
  while (write(j->wake[1], "", 1) < 0 && errno == EINTR) continue;
  pthread_join(j->thread, NULL);
  while (j->desks != NULL) {
    struct desk *desk = j->desks;
    j->desks = desk->next;
    pix_reactor_delist(desk->reactor, &desk->worker);
    free(desk);
  }
  destroy(j);
}
