/*
** reactor_impl.h - the reactor's inside, for reactor.c (the owner's side), reactor_thread.c (the
** loop) and nobody else.
**
** WHO LOCKS WHAT. `lock` guards the fields of the first group, the links and the state of every op
** between submit and drain, and nothing else. The second group, and all that runs in the loop,
** belongs to whoever has the *baton*: the reactor's thread, or the owner's thread while it drives
** the loop itself (in a virtual reactor: always the owner's). The baton changes hands under the
** lock. The third group is set before the thread starts and never changes. The lock is never held
** during a call into libcurl or into an op's verb, with one exception: at the end, when the owner
** only waits for the thread.
*/
#ifndef PIX_REACTOR_IMPL_H
#define PIX_REACTOR_IMPL_H

#include <pthread.h>

#include "doorbell.h"
#include "heap.h"
#include "loop.h"
#include "shards.h"

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
  bool sleeping;  /* who has the baton is in poll or about to be, and nobody has woken him */
  bool stop;      /* the thread shall end */
  bool signalled; /* the descriptor is readable */
  int64_t nap;    /* ns; 0: the thread is woken for what is submitted */
  bool listened;  /* somebody listens at the doorbell */
  bool watched;   /* the descriptor was asked for: an event loop may look at it */
  bool owners;    /* the owner has the baton */
  bool wanted;    /* the owner waits for the baton */
  bool driving;   /* the owner has the baton, and is in the loop just now */
  bool deep;      /* the thread is parked until it is called, and does not look by itself */
  pthread_t driver;
  unsigned visits;       /* times the owner has begun to drive */
  unsigned penalty;      /* waits of the owner that are not to drive */
  pthread_cond_t parked; /* for the thread: the baton is there, or work that may need it */
  pthread_cond_t given;  /* for the owner: the baton is there */
  struct pix_doorbell *bell;

  /* 2. Who has the baton. */
  struct pix_heap heap;
  struct pix_op_list finished; /* to be handed over at the end of this turn */
  int64_t now;                 /* of this turn; virtual: the clock itself */
  int64_t wall;                /* virtual: the wall's clock when `now` was 0 */
  struct pix_shards shards;    /* what libcurl works with */
  bool started;                /* a transfer was added since the last perform */
  bool stopping;

  /* 3. Constant, but for the workers: the owner's. */
  struct pix_worker *workers;
  bool is_virtual;
  bool may_drive; /* libcurl raises no SIGPIPE in the owner's thread */
  pid_t pid;
  volatile char *here; /* a page that the system clears in a child of fork; NULL: none */
  pthread_t thread;
  CURLM *multi;          /* the first shard's, for wakeup */
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

/* Owner's thread: runs the loop until something is done (1), `end` on the reactor's clock has come
** (0), or a signal has (-1). -2: the thread is to do it, wait for it. */
int pix_reactor_drive(struct pix_reactor *reactor, int64_t end);

/* Under the lock: what was submitted or cancelled needs somebody's attention; true: whom to wake
** sleeps in poll, call curl_multi_wakeup after the unlock. */
bool pix_reactor_call_locked(struct pix_reactor *reactor);

/* Under the lock: the owner has, or will have, no use for the baton. */
void pix_reactor_return_locked(struct pix_reactor *reactor);

#endif
