/*
** memory_test.c - what the core does when malloc fails: each thing is made with the first, the
** second, the third … allocation failing, until none does. It fails in order, and leaks nothing
** (make asan). malloc, calloc and realloc of this program are the three below (ld --wrap).
*/
#include "check.h"

#include <stdlib.h>

#include "core/brcode.h"
#include "core/card.h"
#include "core/http.h"
#include "core/qr.h"
#include "core/reactor.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static _Thread_local long left = -1; /* allocations of this thread that succeed; -1: all */
static _Thread_local bool missed;

static bool may_allocate(void) {
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
    CHECK(ended == NULL || ended == timer);
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
    {"a card is not taken", card_fails},
};

CHECK_MAIN(tests)
