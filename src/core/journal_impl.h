/*
** journal_impl.h - the journal's inside, for journal.c (tickets, the thread's loop, birth and
** death), journal_batch.c (how a batch gets done) and nobody else.
**
** DESIGN. The owner puts transactions into a queue; the thread takes all that wait (a *batch*), has
** the back end do them between one BEGIN and one COMMIT, and finishes their ops. First it is
** hopeful: all statements of all transactions in one go. If one of them is refused, everything is
** rolled back and done again with a savepoint around each, so that the refused ones leave no trace
** and the others are committed. While a batch is under way the next one gathers.
**
** An op is only a *ticket*: the transaction's memory is the thread's until it is finished. So when
** a reactor closes, its tickets are torn off (`leave`, under the lock) and the thread goes on;
** nobody waits for a disk. When the journal closes, what is queued is still done.
**
** Where COMMIT may end unanswered (a server), each batch carries a *mark*: its number, written to
** this writer's row in the same transaction. After a connection was lost during COMMIT, the row is
** written to by a new connection - which waits until the old transaction has ended one way or the
** other - and its number says which. The mark is written before COMMIT is sent, so an old
** connection that still has the COMMIT before it holds the row. Until then the batch is neither
** done nor failed.
**
** WHO LOCKS WHAT. The first group of struct pix_journal is under `lock`; the links and `ticket` of
** every transaction that was put, too. The second is the thread's. Lock order: journal, reactor.
*/
#ifndef PIX_JOURNAL_IMPL_H
#define PIX_JOURNAL_IMPL_H

#include <pthread.h>
#include <sys/types.h>

#include "journal.h"
#include "secret.h"

#define PIX_JOURNAL_SECOND INT64_C(1000000000)

struct pix_ticket {
  struct pix_op op;
  struct pix_journal *journal;
  struct pix_reactor *reactor;
  struct pix_tx *tx; /* NULL: torn off */
};

struct tx_list {
  struct pix_tx *head, *tail;
};

/* The journal as one reactor sees it. */
struct desk {
  struct pix_worker worker; /* first */
  struct pix_journal *journal;
  struct pix_reactor *reactor;
  struct desk *next;
};

struct pix_journal {
  /* 1. Under the lock. */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct tx_list queue, batch;
  bool closing, ended;
  bool troubled; /* the batch under way waits for a database that does not work */
  int64_t commits, transactions;

  /* 2. The thread's. */
  struct pix_session *session;
  struct pix_statement **list; /* room for a batch's statements */
  size_t room;
  int64_t number;  /* of the mark */
  bool unresolved; /* the batch's COMMIT was not answered */

  /* 3. The owner's, and constants. */
  struct desk *desks;
  const struct pix_journal_backend *backend;
  struct pix_secret where;
  double patience;
  char writer[33];
  pid_t pid;
  pthread_t thread;
  int wake[2]; /* a pipe: readable = do not wait any more */
};

/* Monotonic nanoseconds. */
int64_t pix_journal_ticks(void);

/* journal_batch.c; the thread. Does j->batch, or writes into each of its transactions why not. */
void pix_journal_run_batch(struct pix_journal *j);
void pix_journal_end_session(struct pix_journal *j);

#endif
