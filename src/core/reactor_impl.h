/*
** reactor_impl.h - the reactor's inside, for reactor.c (the owner's side), reactor_thread.c (the
** loop) and nobody else.
**
** WHO LOCKS WHAT. `lock` guards the fields of the first group, the links and the state of every op
** between submit and drain, and nothing else. The second group belongs to the reactor's thread
** alone (in a virtual reactor: to the owner's thread), the third is set before the thread starts
** and never changes. The lock is never held during a call into libcurl or into an op's verb, with
** one exception: at the end, when the owner only waits for the thread.
*/
#ifndef PIX_REACTOR_IMPL_H
#define PIX_REACTOR_IMPL_H

#include <pthread.h>

#include "doorbell.h"
#include "heap.h"
#include "loop.h"

enum {
  PIX_OP_CANCEL = 1, /* in the list of cancels */
  PIX_OP_BELL = 2,   /* somebody waits for it at the doorbell */
};

struct pix_op_list {
  struct pix_op *head, *tail;
};

struct pix_reactor {
  /* 1. Under the lock. */
  pthread_mutex_t lock;
  struct pix_op_list submitted; /* not yet seen by the thread */
  struct pix_op *cancels;       /* through cancel_next, newest first */
  struct pix_op_list late;      /* finished elsewhere, somebody waits at the doorbell */
  struct pix_op_list done;      /* for drain */
  struct pix_op_list outbox;    /* virtual: exchanges nobody has taken yet */
  struct pix_op **buckets;      /* unfinished ops by id, chained through `chain` */
  size_t bucket_mask;           /* a power of two, less one */
  size_t unfinished;            /* in buckets */
  size_t pending;               /* submitted, not drained */
  uint64_t last_id;
  bool sleeping;  /* the thread is in poll or about to be, and nobody has woken it */
  bool stop;      /* the thread shall end */
  bool signalled; /* the descriptor is readable */
  bool listened;  /* somebody listens at the doorbell */
  struct pix_doorbell *bell;

  /* 2. The reactor's thread only. */
  struct pix_heap heap;
  struct pix_op_list finished; /* to be handed over at the end of this turn */
  int64_t now;                 /* of this turn; virtual: the clock itself */
  int64_t wall;                /* virtual: the wall's clock when `now` was 0 */
  bool started;                /* a transfer was added since the last perform */
  bool stopping;

  /* 3. Constant, but for the workers: the owner's. */
  struct pix_worker *workers;
  bool is_virtual;
  pid_t pid;
  pthread_t thread;
  CURLM *multi;          /* thread-safe for wakeup only */
  int read_fd, write_fd; /* one and the same with an eventfd */
};

/* reactor.c, for the thread. All under the lock. */
void pix_reactor_deliver_locked(struct pix_reactor *reactor, struct pix_op *op);
struct pix_op *pix_reactor_find_locked(const struct pix_reactor *reactor, uint64_t id);
int64_t pix_reactor_ticks(void);

void pix_op_list_append(struct pix_op_list *list, struct pix_op *op);
struct pix_op *pix_op_list_pop(struct pix_op_list *list);

/* reactor_thread.c: the thread's function. */
void *pix_reactor_thread(void *reactor);

#endif
