/*
** reactor.h - one thread that owns libcurl's multi handle, and the two queues between it and the
** thread that owns the Lua state (the *owner*).
**
** The unit of work is an *op*: something that takes time and ends exactly once. The owner submits
** it; the reactor's thread starts it and finishes it; the owner drains it. An op belongs to the
** owner before submit and after drain, and to the reactor between. No op ever sees a lua_State.
**
** A *virtual* reactor has no thread and no I/O: its clock moves only by pix_reactor_advance, and
** exchanges wait in an outbox until a test answers them. All else is the same.
*/
#ifndef PIX_REACTOR_H
#define PIX_REACTOR_H

#include "err.h"

struct pix_reactor;
struct pix_op;

/* What an op can do. NULL start = it is finished by somebody else through pix_reactor_finish
** (a journal's thread). */
struct pix_op_verbs {
  /* Reactor's thread. Begins the work; must lead to one pix_reactor_finish, now or later. */
  void (*start)(struct pix_reactor *reactor, struct pix_op *op);
  /* Reactor's thread. The owner wants no answer any more: finish now, saying what is known. Not
  ** called after finish; may come without a start when the reactor closes. NULL = cannot be
  ** stopped, will finish by itself; an op that another thread finishes must have NULL. */
  void (*abort)(struct pix_reactor *reactor, struct pix_op *op);
  /* Owner's thread (or closing, when the reactor's thread is gone). Frees the op. */
  void (*free)(struct pix_op *op);
  bool exchange; /* an HTTP exchange: a virtual reactor puts it into the outbox */
};

struct pix_op {
  const struct pix_op_verbs *verbs;
  uint64_t id;         /* given by submit; never 0, never reused within a process */
  struct pix_op *next; /* link of the queue that holds it now */
  void *owner;         /* the owner's own; the reactor never looks at it */
  bool cancelled;      /* reactor's thread: finished by cancel, or: */
  bool starved;        /* … for lack of memory */
  unsigned char state; /* the reactor's own, under its lock, as are the two links */
  struct pix_op *chain;
  struct pix_op *cancel_next;
};

/* Somebody whose own thread finishes ops of a reactor. */
struct pix_worker {
  /* Owner's thread: the reactor closes. When it returns, none of its ops may be touched any more;
  ** the worker is off the reactor's list already. */
  void (*leave)(struct pix_worker *worker, struct pix_reactor *reactor);
  struct pix_worker *next;
};

/* Starts the thread (unless virtual). PIX_EINTERNAL with words when the system refuses. */
int pix_reactor_new(bool is_virtual, struct pix_reactor **out, struct pix_err *err);

/* Ends the thread, frees every op it still holds (no completion is delivered), closes the
** descriptors, removes the doorbell. Never waits for the network: under 0.1 s with anything in
** flight. In a process forked from the creator it only closes and frees what is safe to; there,
** no other function but alive may be called. An op without abort must have been finished before, or
** its worker be enlisted. */
void pix_reactor_close(struct pix_reactor *reactor);

/* Owner's thread. The worker stays the caller's, and must not end before it is off the list. */
void pix_reactor_enlist(struct pix_reactor *reactor, struct pix_worker *worker);
void pix_reactor_delist(struct pix_reactor *reactor, struct pix_worker *worker);

/* False in a child of the process that made it: its thread does not exist there. */
bool pix_reactor_alive(const struct pix_reactor *reactor);

/* Takes ownership of op and gives it an id. Wakes the thread if it sleeps. */
uint64_t pix_reactor_submit(struct pix_reactor *reactor, struct pix_op *op);

/* Asks for an early end. The op still comes out of drain, finished one way or the other. An id
** that is unknown or finished does nothing. */
void pix_reactor_cancel(struct pix_reactor *reactor, uint64_t id);

/* Finished ops, oldest first, linked by `next`; ownership passes to the caller. NULL when there is
** none. Resets the descriptor: it is readable only while a finished op waits. */
struct pix_op *pix_reactor_drain(struct pix_reactor *reactor);

/* The oldest of them alone, or NULL. The descriptor stays readable while another one waits. */
struct pix_op *pix_reactor_take(struct pix_reactor *reactor);

/* Is there anything to drain? */
bool pix_reactor_has_done(struct pix_reactor *reactor);

/* A descriptor that polls readable while a finished op waits to be drained; for any event loop. */
int pix_reactor_fd(struct pix_reactor *reactor);

/* Waits until a finished op is there: 1; or `seconds` are over (negative = for ever): 0; or a
** signal came: -1 (the caller lets its host handle it, and calls again). Virtual: returns at once.
*/
int pix_reactor_wait(struct pix_reactor *reactor, double seconds);

/* Number of ops submitted and not yet drained. */
size_t pix_reactor_pending(struct pix_reactor *reactor);

/* Clocks in seconds: monotonic for deadlines; wall (since the epoch) for expiries. Virtual: both
** stand still but for advance; the wall starts at `pix_reactor_set_wall` or 1,700,000,000. */
double pix_reactor_now(const struct pix_reactor *reactor);
double pix_reactor_wall(const struct pix_reactor *reactor);

/* Any thread. Called by an op's worker: hands op to the owner's side, rings descriptor and bells.
 */
void pix_reactor_finish(struct pix_reactor *reactor, struct pix_op *op);

/* While transfers are under way, the thread is not woken for what is submitted or cancelled: it
** looks by itself every so many seconds. To wake a thread costs its owner some 15 µs. 0: as ever.
*/
void pix_reactor_nap(struct pix_reactor *reactor, double seconds);

/* Doorbell: a unix socket (made at the first call, in a fresh 0700 directory, removed at close).
** Protocol: a client writes an op's id in decimal and "\n", and reads one byte "\n" when that op
** is finished (at once, if it is finished or unknown). A connection may ask any number of times,
** one after the other: the next question only when the byte has come. Or it writes "*\n" once, and
** listens: a byte comes whenever something begins to wait for drain (at once, if something does).
** Anything malformed closes that connection. The path is valid until close. Virtual reactors have
** none: PIX_EUNSUPPORTED. */
int pix_reactor_doorbell(struct pix_reactor *reactor, const char **path, struct pix_err *err);

/* A timer: finishes after `seconds` (0 … PIX_MAX_TIMEOUT); cancel finishes it at once with
** op->cancelled. NULL: out of memory. */
struct pix_op *pix_timer_new(double seconds);

/* Virtual reactors only. advance finishes the timers that fall due, in order. next_timer: seconds
** until the earliest, negative if none. outbox: the oldest exchange submitted and not yet taken, or
** NULL; the caller fills in the reply and gives it to pix_reactor_finish. A cancelled exchange that
** was not yet taken out is finished by cancel itself (sent "no"). */
void pix_reactor_advance(struct pix_reactor *reactor, double seconds);
double pix_reactor_next_timer(const struct pix_reactor *reactor);
struct pix_op *pix_reactor_outbox(struct pix_reactor *reactor);
void pix_reactor_set_wall(struct pix_reactor *reactor, double epoch);

#endif
