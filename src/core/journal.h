/*
** journal.h - the durable record's lower half: a thread that commits transactions to a database.
**
** A *transaction* (struct pix_tx) is a list of statements with bound values; it is done as a whole
** or not at all. It is submitted as an op (reactor.h) and so becomes a future like everything else:
** neither a coroutine nor a frame ever waits for a disk. All transactions that wait when the thread
** looks share one commit (*group commit*): one fsync, or two round trips, for all of them.
**
** What a database is, a *back end* says: a table of verbs in a module of its own, so that a program
** needs only the library it uses. SQL is written for all of them: placeholders $1 … $n, integers,
** text, ON CONFLICT, RETURNING.
*/
#ifndef PIX_JOURNAL_H
#define PIX_JOURNAL_H

#include "reactor.h"

#define PIX_JOURNAL_ABI 1

struct pix_journal;

/* ---- Transactions: plain memory, handed from the owner to the thread and back ---- */

enum pix_value_kind { PIX_VALUE_NULL, PIX_VALUE_INTEGER, PIX_VALUE_TEXT, PIX_VALUE_BLOB };

struct pix_value {
  enum pix_value_kind kind;
  int64_t integer;
  const char *data; /* of text and blobs; always with a NUL behind it */
  size_t len;
};

/* Memory that is given back all at once. */
struct pix_arena {
  struct pix_chunk *chunks;
};

struct pix_row {
  struct pix_row *next;
  struct pix_value values[]; /* as many as the statement has columns */
};

struct pix_statement {
  struct pix_statement *next;
  struct pix_tx *tx; /* whose; NULL: the thread's own, which has no result */
  const char *sql;
  struct pix_value *values;
  size_t count;
  int64_t expect; /* rows that must be changed or returned; negative = any number */

  /* The result. */
  const char **columns;
  size_t width; /* number of columns; 0 = the statement returns no rows */
  struct pix_row *rows, **rows_end;
  int64_t changed; /* rows changed, or returned */
};

struct pix_tx {
  struct pix_tx *next;
  struct pix_arena input, output;
  struct pix_statement *first, **end;
  size_t count;
  struct pix_err err;        /* kind PIX_OK: committed */
  size_t failed;             /* index of the statement at fault, if err says so; from 1; 0 = none */
  int64_t since;             /* when it was submitted; ns */
  struct pix_ticket *ticket; /* journal.c's; NULL: nobody waits for it any more */
};

struct pix_tx *pix_tx_new(void); /* NULL: out of memory */
void pix_tx_free(struct pix_tx *tx);

/* Adds a statement with `count` values, all null as yet. The text is copied. PIX_EINVALID, or
** PIX_EINTERNAL when memory is out. */
int pix_tx_add(struct pix_tx *tx, const char *sql, size_t len, size_t count,
               struct pix_statement **out, struct pix_err *err);
/* Sets a value to a copy of data. */
int pix_tx_bind(struct pix_tx *tx, struct pix_value *value, enum pix_value_kind kind,
                const char *data, size_t len, struct pix_err *err);

/* For back ends: forgets a result, begins one, adds a row (whose values the caller then sets).
** NULL or false: out of memory, or too many rows. The statement must be a transaction's. */
void pix_result_reset(struct pix_tx *tx);
bool pix_result_columns(struct pix_statement *statement, size_t width);
bool pix_result_name(struct pix_statement *statement, size_t column, const char *name);
struct pix_row *pix_result_row(struct pix_statement *statement);
bool pix_result_copy(struct pix_statement *statement, struct pix_value *value,
                     enum pix_value_kind kind, const char *data, size_t len);

/* ---- Faults: what a back end's verb answers; it decides what the thread does next ---- */

enum pix_fault {
  PIX_FAULT_NONE,
  /* This transaction only. */
  PIX_FAULT_REFUSED,    /* `expect` was not met */
  PIX_FAULT_CONSTRAINT, /* the database's own rules */
  PIX_FAULT_STATEMENT,  /* the statement is wrong, or its result too large */
  /* All of the batch is to be done again: at once; or after a pause, as long as patience lasts. */
  PIX_FAULT_COLLISION, /* two transactions were in each other's way */
  PIX_FAULT_BUSY,      /* locked by somebody else */
  PIX_FAULT_LOST,      /* no connection; surely nothing was committed */
  /* COMMIT was sent and not answered: the mark must be looked at. */
  PIX_FAULT_UNKNOWN,
  /* All of the batch has failed; the next one tries anew. */
  PIX_FAULT_FULL,
  PIX_FAULT_READONLY,
  PIX_FAULT_BROKEN, /* not a database, or a damaged one */
  PIX_FAULT_CONFIG, /* no such folder, database, user */
  PIX_FAULT_CLOSED, /* the journal is being closed */
  PIX_FAULTS
};

/* Describes a fault; returns it. Kind "conflict" for refused and constraint, else "journal"; the
** code is the fault's word ("full", "busy" …). */
enum pix_fault pix_fault_set(struct pix_err *err, enum pix_fault fault, const char *format, ...)
    PIX_PRINTF(3, 4);

/* ---- Back ends ---- */

struct pix_session; /* a back end's own: one connection, used by the journal's thread only */

struct pix_session_options {
  const char *where;  /* path, or URL: may hold a password, must never be quoted */
  const char *writer; /* this journal's name, for the mark */
  int wake;           /* readable: stop waiting, answer PIX_FAULT_CLOSED */
  double timeout;     /* seconds; for opening, and for one answer of the server */
};

struct pix_journal_backend {
  uint32_t abi; /* PIX_JOURNAL_ABI */
  const char *name;
  const char *begin;  /* SQL that begins a transaction which will write */
  const char *mark;   /* SQL($1 = writer, $2 = number) that marks the transaction; NULL: a COMMIT
                       ** never ends unknown */
  const char *check;  /* SQL($1 = writer) → the number of the last transaction that was committed;
                       ** waits until one that is under way has ended */
  bool survives_fork; /* a child may open one more session of its own */
  enum pix_fault (*open)(const struct pix_session_options *options, struct pix_session **out,
                         struct pix_err *err);
  /* Does the statements one after the other; stops at the first that fails. *done = how many did
  ** not. Never commits by itself. */
  enum pix_fault (*run)(struct pix_session *session, struct pix_statement *const *list,
                        size_t count, size_t *done, struct pix_err *err);
  enum pix_fault (*commit)(struct pix_session *session, struct pix_err *err);
  void (*close)(struct pix_session *session); /* rolls back what is open */
};

/* ---- The journal; every function is the owner's ---- */

/* Starts the thread; the database is opened by it when there is something to do. `where` is copied
** and wiped at the end. `patience`: seconds that a transaction waits for a database that is locked
** or gone. */
int pix_journal_new(const struct pix_journal_backend *backend, const char *where, size_t len,
                    double patience, struct pix_journal **out, struct pix_err *err);

/* Finishes what was submitted (if the database works: under a second or so), ends the thread, frees
** the journal. What could not be done is finished with code "closed". In a forked child it does
** nothing. */
void pix_journal_close(struct pix_journal *journal);
bool pix_journal_alive(const struct pix_journal *journal); /* false in a forked child */

/* An op for tx, which it takes, to be submitted to reactor by the caller and then given to
** pix_journal_put. NULL: out of memory (tx is freed). */
struct pix_op *pix_journal_op(struct pix_journal *journal, struct pix_reactor *reactor,
                              struct pix_tx *tx);
void pix_journal_put(struct pix_op *op);
/* The transaction of a finished op; it stays the op's. */
const struct pix_tx *pix_journal_tx(const struct pix_op *op);

/* Waits until all that was put is finished: for virtual reactors, whose time stands still. */
void pix_journal_flush(struct pix_journal *journal);

/* Number of commits and of transactions so far. */
void pix_journal_count(struct pix_journal *journal, int64_t *commits, int64_t *transactions);

#endif
