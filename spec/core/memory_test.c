/*
** memory_test.c - what the core does when malloc fails: each thing is made with the first, the
** second, the third … allocation failing, until none does. It fails in order, and leaks nothing
** (make asan). malloc, calloc and realloc of this program are the three below (ld --wrap).
*/
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/brcode.h"
#include "core/card.h"
#include "core/http.h"
#include "core/http_impl.h"
#include "core/shards.h"
#include "core/journal.h"
#include "core/qr.h"
#include "core/reactor.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *data);

static bool no_threads;              /* the system has none left */
static _Thread_local long left = -1; /* allocations of this thread that succeed; -1: all */
static _Thread_local bool missed;

static atomic_long shared = -1; /* the same for all threads together */
static atomic_bool shared_missed;

static bool all_may(void) {
  long n = atomic_load(&shared);

  if (n > 0) atomic_fetch_sub(&shared, 1);
  if (n == 0) atomic_store(&shared_missed, true);
  return n != 0;
}

static bool may_allocate(void) {
  if (atomic_load(&shared) >= 0) return all_may();
  if (left < 0) return true;
  if (left > 0) return left-- > 0;
  missed = true;
  return false;
}

void *__wrap_malloc(size_t size) {
  return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size) {
  return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *block, size_t size) {
  return may_allocate() ? __real_realloc(block, size) : NULL;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *data) {
  return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, start, data);
}

/* Calls make with ever more memory, until it misses none: then it must succeed, and before that it
** must not. */
static void each_allocation(bool (*make)(struct pix_err *err)) {
  for (long n = 0; n < 10000; n++) {
    struct pix_err err;
    bool made;
    pix_err_init(&err);
    missed = false;
    left = n;
    made = make(&err);
    left = -1;
    CHECK(made == !missed);
    if (!made) CHECK_STR("internal", pix_err_kind_name(err.kind));
    if (!missed) {
      CHECK(n > 0);
      return;
    }
  }
  CHECK(!"an end");
}

/* For what has no pix_err. */
static bool without_words(bool made, struct pix_err *err) {
  if (!made) pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  return made;
}

static bool make_buf(struct pix_err *err) {
  struct pix_buf buf;
  bool made;

  pix_buf_init(&buf, 100000);
  buf.secret = true;
  for (int i = 0; i < 1000; i++) pix_buf_addf(&buf, "%d, %s", i, "and so on ");
  made = !buf.failed;
  CHECK(made || strlen(pix_buf_text(&buf)) == buf.len);
  pix_buf_fini(&buf);
  return without_words(made, err);
}

static bool make_headers(struct pix_err *err) {
  struct pix_http_headers *headers = pix_http_headers_new(true);
  bool made = headers != NULL;

  if (!made) return without_words(false, err);
  made = pix_http_headers_add(headers, "Accept", "application/json", err) == PIX_OK &&
         pix_http_headers_add(headers, "Authorization", "Bearer x", err) == PIX_OK;
  pix_http_headers_unref(headers);
  return made;
}

static bool make_exchange(struct pix_err *err) {
  const struct pix_http_settings settings = {.base_url = "https://pay.example/api",
                                             .proxy = "http://proxy.example:3128",
                                             .timeout = 15,
                                             .connect_timeout = 5,
                                             .max_response = 1000,
                                             .max_connections = 4};
  struct pix_http_client *client;
  struct pix_exchange *exchange;

  if (pix_http_client_new(&settings, &client, err) != PIX_OK) return false;
  exchange = pix_exchange_new(client);
  if (exchange != NULL) exchange->op.verbs->free(&exchange->op);
  pix_http_client_unref(client);
  return without_words(exchange != NULL, err);
}

static bool make_reactor(struct pix_err *err) {
  struct pix_reactor *reactor;
  struct pix_op *timer;

  if (pix_reactor_new(false, &reactor, err) != PIX_OK) return false;
  timer = pix_timer_new(100);
  if (timer != NULL) pix_reactor_submit(reactor, timer);
  pix_reactor_close(reactor);
  return without_words(timer != NULL, err);
}

/* A timer that finds no place ends at once: it is not lost. */
static bool make_timer(struct pix_err *err) {
  struct pix_op *timer, *ended = NULL;
  struct pix_reactor *reactor;

  if (pix_reactor_new(true, &reactor, err) != PIX_OK) return false;
  timer = pix_timer_new(100);
  if (timer != NULL) {
    pix_reactor_submit(reactor, timer);
    ended = pix_reactor_drain(reactor);
    CHECK(ended == NULL || (ended == timer && ended->starved));
    if (ended != NULL) ended->verbs->free(ended);
  }
  pix_reactor_close(reactor);
  return without_words(timer != NULL && ended == NULL, err);
}

static bool make_doorbell(struct pix_err *err) {
  struct pix_reactor *reactor;
  const char *path;
  bool made;

  if (pix_reactor_new(false, &reactor, err) != PIX_OK) return false;
  made = pix_reactor_doorbell(reactor, &path, err) == PIX_OK;
  pix_reactor_close(reactor);
  return made;
}

static bool make_picture(struct pix_err *err,
                         int (*draw)(const struct pix_qr *qr, const struct pix_qr_style *style,
                                     struct pix_buf *out, struct pix_err *err)) {
  const struct pix_qr_style style = {.scale = 2, .margin = 4};
  struct pix_buf out;
  struct pix_qr qr;
  bool made;

  pix_buf_init(&out, 1000000);
  made = pix_qr_encode("000201", 6, PIX_QR_M, &qr, err) == PIX_OK &&
         draw(&qr, &style, &out, err) == PIX_OK;
  pix_qr_fini(&qr);
  pix_buf_fini(&out);
  return made;
}

static bool make_png(struct pix_err *err) {
  return make_picture(err, pix_qr_png);
}

static bool make_svg(struct pix_err *err) {
  return make_picture(err, pix_qr_svg);
}

static bool make_text(struct pix_err *err) {
  return make_picture(err, pix_qr_text);
}

static bool make_code(struct pix_err *err) {
  static const struct pix_brcode code = {
      .key = "loja@example.com", .name = "Loja", .city = "RIO", .amount = 100};
  struct pix_buf out;
  bool made;

  pix_buf_init(&out, PIX_MAX_BRCODE);
  made = pix_brcode_encode(&code, &out, err) == PIX_OK;
  pix_buf_fini(&out);
  return made;
}

/* Of all lengths about 256 bytes, at which the buffer grows. */
static size_t padding;

static bool make_long_code(struct pix_err *err) {
  struct pix_brcode code = {.key = "loja@example.com", .name = "Loja", .city = "RIO", .amount = -1};
  struct pix_buf out;
  bool made;

  memset(code.info, 'x', padding);
  memset(code.recurrence, 'r', 75);
  pix_buf_init(&out, PIX_MAX_BRCODE);
  made = pix_brcode_encode(&code, &out, err) == PIX_OK;
  pix_buf_fini(&out);
  return made;
}

static void long_codes_fail(void) {
  for (padding = 1; padding < 55; padding++) each_allocation(make_long_code);
}

static bool make_card(struct pix_err *err) {
  struct pix_card card;
  bool made;

  memset(&card, 0, sizeof card);
  made = pix_card_set_number(&card, "4111111111111111", 16, true, err) == PIX_OK &&
         pix_card_set_cvv(&card, "737", 3, err) == PIX_OK &&
         pix_card_set_holder(&card, "JOAO", 4, err) == PIX_OK;
  pix_card_fini(&card);
  return made;
}

/* What a reply's body finds no place for stops the transfer. */
static bool make_body(struct pix_err *err) {
  const struct pix_http_settings settings = {.base_url = "https://pay.example/api",
                                             .timeout = 15,
                                             .connect_timeout = 5,
                                             .max_response = 100000,
                                             .max_connections = 4};
  char piece[1000] = "";
  struct pix_shard shard = {.epoll = -1};
  struct pix_carrier carrier;
  struct pix_http_client *client;
  bool made;

  memset(&carrier, 0, sizeof carrier);
  carrier.transfer.shard = &shard;
  if (pix_http_client_new(&settings, &client, err) != PIX_OK) return false;
  carrier.transfer.easy = curl_easy_init();
  carrier.exchange = pix_exchange_new(client);
  made = carrier.exchange != NULL;
  for (int i = 0; made && i < 50; i++) {
    made = pix_carrier_body(piece, 1, sizeof piece, &carrier) == sizeof piece;
    CHECK(made || carrier.stop == PIX_STOP_MEMORY);
  }
  curl_easy_cleanup(carrier.transfer.easy);
  if (carrier.exchange != NULL) carrier.exchange->op.verbs->free(&carrier.exchange->op);
  pix_http_client_unref(client);
  return without_words(made, err);
}

static bool make_transaction(struct pix_err *err) {
  static const char text[5000] = "x";
  struct pix_tx *tx = pix_tx_new();
  struct pix_statement *statement;
  bool made = tx != NULL;

  if (!made) return without_words(false, err);
  for (int i = 0; made && i < 150; i++) /* small ones: any part of one may be the first to fail */
    made = pix_tx_add(tx, "INSERT", 6, (size_t)i % 3, &statement, err) == PIX_OK;
  for (int i = 0; made && i < 20; i++)
    made = pix_tx_add(tx, "INSERT", 6, 1, &statement, err) == PIX_OK &&
           pix_tx_bind(tx, statement->values, PIX_VALUE_BLOB, text, sizeof text, err) == PIX_OK;
  pix_tx_free(tx);
  return made;
}

static enum pix_fault open_never(const struct pix_session_options *options,
                                 struct pix_session **out, struct pix_err *err) {
  (void)options;
  *out = NULL;
  return pix_fault_set(err, PIX_FAULT_LOST, "nobody is there");
}

static const struct pix_journal_backend nobody = {
    .abi = PIX_JOURNAL_ABI, .name = "nobody", .begin = "BEGIN", .open = open_never};

static bool make_ticket(struct pix_err *err) {
  struct pix_reactor *reactor;
  struct pix_journal *journal;
  struct pix_tx *tx;
  struct pix_op *op = NULL;

  if (pix_reactor_new(true, &reactor, err) != PIX_OK) return false;
  if (pix_journal_new(&nobody, "nowhere", 7, 0, &journal, err) != PIX_OK) {
    pix_reactor_close(reactor);
    return false;
  }
  tx = pix_tx_new();
  if (tx != NULL) op = pix_journal_op(journal, reactor, tx);
  if (op != NULL) op->verbs->free(op);
  pix_journal_close(journal);
  pix_reactor_close(reactor);
  return without_words(op != NULL, err);
}

/* In the reactor's loop, which either its thread or this one runs: what finds no memory there has
** sent nothing, and says so. */
static void an_exchange_is_refused(void) {
  const struct pix_http_settings settings = {.base_url = "http://127.0.0.1:9",
                                             .timeout = 15,
                                             .connect_timeout = 5,
                                             .max_response = 1000,
                                             .max_connections = 4};
  bool missing = true;

  for (long n = 0; missing && CHECK(n < 100); n++) {
    struct pix_http_client *client;
    struct pix_reactor *reactor;
    struct pix_exchange *exchange;
    struct pix_op *op = NULL;
    CHECK_INT(PIX_OK, pix_http_client_new(&settings, &client, NULL));
    CHECK_INT(PIX_OK, pix_reactor_new(false, &reactor, NULL));
    exchange = pix_exchange_new(client);
    exchange->once = true;
    pix_buf_adds(&exchange->url, "http://127.0.0.1:9/charges");
    atomic_store(&shared_missed, false);
    atomic_store(&shared, n);
    pix_reactor_submit(reactor, &exchange->op);
    while (op == NULL && CHECK(pix_reactor_wait(reactor, 30) == 1)) op = pix_reactor_drain(reactor);
    atomic_store(&shared, -1);
    missing = atomic_load(&shared_missed);
    CHECK(missing || n > 1); /* it does need some */
    CHECK(op == &exchange->op);
    CHECK_INT(missing ? PIX_EINTERNAL : PIX_ENETWORK, exchange->failure);
    CHECK_INT(PIX_SENT_NO, exchange->sent);
    exchange->op.verbs->free(&exchange->op);
    pix_reactor_close(reactor);
    pix_http_client_unref(client);
  }
}

static void no_thread_can_start(void) {
  struct pix_reactor *reactor;
  struct pix_journal *journal;
  struct pix_err err;

  no_threads = true;
  CHECK_INT(PIX_EINTERNAL, pix_reactor_new(false, &reactor, &err));
  CHECK_INT(PIX_EINTERNAL, pix_journal_new(&nobody, "nowhere", 7, 0, &journal, &err));
  CHECK(strstr(err.message, strerror(EAGAIN)) != NULL);
  no_threads = false;
}

#define MEMORY_TEST(name)                                                                          \
  static void name##_fails(void) {                                                                 \
    each_allocation(make_##name);                                                                  \
  }

MEMORY_TEST(buf)
MEMORY_TEST(headers)
MEMORY_TEST(exchange)
MEMORY_TEST(timer)
MEMORY_TEST(reactor)
MEMORY_TEST(doorbell)
MEMORY_TEST(png)
MEMORY_TEST(svg)
MEMORY_TEST(text)
MEMORY_TEST(code)
MEMORY_TEST(card)
MEMORY_TEST(body)
MEMORY_TEST(transaction)
MEMORY_TEST(ticket)

static const struct check_test tests[] = {
    {"a buffer remembers that it failed", buf_fails},
    {"header lines are refused", headers_fails},
    {"a client or an exchange is not made", exchange_fails},
    {"a timer is not made, or ends at once", timer_fails},
    {"a reactor is not made", reactor_fails},
    {"a doorbell is not made", doorbell_fails},
    {"a PNG is not drawn", png_fails},
    {"an SVG is not drawn", svg_fails},
    {"a QR code as text is not drawn", text_fails},
    {"a BR Code is not written", code_fails},
    {"a BR Code of any length is not written", long_codes_fail},
    {"a card is not taken", card_fails},
    {"an answer's body is cut off", body_fails},
    {"a transaction is not gathered", transaction_fails},
    {"a transaction is not begun", ticket_fails},
    {"an exchange is refused before anything is sent", an_exchange_is_refused},
    {"a reactor or a journal has no thread", no_thread_can_start},
};

CHECK_MAIN(tests)
