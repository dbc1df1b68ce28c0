/*
** http_fixture.h - a reactor, a client and a scripted server, set up for one test of http.c.
*/
#ifndef PIX_SPEC_HTTP_FIXTURE_H
#define PIX_SPEC_HTTP_FIXTURE_H

#include <dirent.h>

#include "../../src/core/http.h"
#include "check.h"
#include "tcp_server.h"

struct fixture {
  struct tcp_server server;
  bool served;
  char base[96];
  struct pix_http_settings settings;
  struct pix_http_client *client;
  struct pix_reactor *reactor;
};

/* Settings that a test may change before fixture_open. */
static inline void fixture_init(struct fixture *f) {
  memset(f, 0, sizeof *f);
  f->settings = (struct pix_http_settings){
      .timeout = 20, .connect_timeout = 10, .max_response = PIX_MAX_RESPONSE, .max_connections = 8};
}

static inline void fixture_serve(struct fixture *f, void (*serve)(struct tcp_conn *conn),
                                 SSL_CTX *tls) {
  tcp_server_start(&f->server, serve, tls);
  f->served = true;
  snprintf(f->base, sizeof f->base, "http%s://127.0.0.1:%d", tls != NULL ? "s" : "",
           f->server.port);
}

static inline void fixture_open(struct fixture *f) {
  struct pix_err err;

  pix_err_init(&err);
  f->settings.base_url = f->base;
  CHECK_INT(PIX_OK, pix_http_client_new(&f->settings, &f->client, &err));
  CHECK_STR("", err.message);
  CHECK_INT(PIX_OK, pix_reactor_new(false, &f->reactor, &err));
}

/* The usual: plain HTTP, the usual settings. */
static inline void fixture_start(struct fixture *f, void (*serve)(struct tcp_conn *conn)) {
  fixture_init(f);
  fixture_serve(f, serve, NULL);
  fixture_open(f);
}

/* The server is a proxy, and base_url leads elsewhere. */
static inline void fixture_start_proxy(struct fixture *f, void (*serve)(struct tcp_conn *conn),
                                       const char *base_url) {
  char proxy[sizeof f->base];

  fixture_init(f);
  fixture_serve(f, serve, NULL);
  memcpy(proxy, f->base, sizeof proxy);
  snprintf(f->base, sizeof f->base, "%s", base_url);
  f->settings.proxy = proxy;
  f->settings.allow_http = true;
  fixture_open(f);
  f->settings.proxy = NULL;
}

static inline void fixture_close(struct fixture *f) {
  pix_reactor_close(f->reactor);
  pix_http_client_unref(f->client);
  if (f->served) tcp_server_stop(&f->server);
}

/* Threads of this process, and two more; 0 where the system does not tell. */
static inline int fixture_threads(void) {
  DIR *list = opendir("/proc/self/task");
  int count = 0;

  while (list != NULL && readdir(list) != NULL) count++;
  if (list != NULL) closedir(list);
  return count;
}

/* body NULL: none. */
static inline struct pix_exchange *fixture_exchange(struct fixture *f, const char *method,
                                                    const char *body, bool once) {
  struct pix_exchange *exchange = pix_exchange_new(f->client);

  exchange->method = method;
  exchange->once = once;
  pix_buf_addf(&exchange->url, "%s/path?query=sekret", f->base);
  if (body != NULL) pix_buf_adds(&exchange->body, body);
  return exchange;
}

/* The next exchange that is finished; NULL after 30 s. More than one may not be waiting. */
static inline struct pix_exchange *fixture_next(struct fixture *f) {
  struct pix_op *op = NULL;

  while (op == NULL) {
    if (!CHECK(pix_reactor_wait(f->reactor, 30) == 1)) abort();
    op = pix_reactor_drain(f->reactor);
  }
  CHECK(op->next == NULL);
  return (struct pix_exchange *)op;
}

static inline struct pix_exchange *fixture_run(struct fixture *f, struct pix_exchange *exchange) {
  uint64_t id = pix_reactor_submit(f->reactor, &exchange->op);
  struct pix_exchange *done = fixture_next(f);

  CHECK(done->op.id == id);
  return done;
}

static inline void exchange_end(struct pix_exchange *exchange) {
  CHECK(strstr(exchange->message, "sekret") == NULL);
  exchange->op.verbs->free(&exchange->op);
}

/* Seconds: a busy machine, or one that runs this under valgrind, is slow. */
#define FIXTURE_PATIENCE 300

/* Drains `count` exchanges, and has each judged. Their ids go to ids, if not NULL. */
static inline void fixture_drain(struct fixture *f, uint64_t *ids, int count,
                                 void (*judge)(const struct pix_exchange *x)) {
  for (int i = 0; i < count;) {
    struct pix_op *op;
    if (!CHECK(pix_reactor_wait(f->reactor, FIXTURE_PATIENCE) == 1)) return;
    for (op = pix_reactor_drain(f->reactor); op != NULL; i++) {
      struct pix_exchange *x = (struct pix_exchange *)op;
      op = op->next;
      judge(x);
      if (ids != NULL && i < count) ids[i] = x->op.id;
      exchange_end(x);
    }
  }
}

/* Of an exchange that went well, and out once. */
static inline void fixture_answered(const struct pix_exchange *x) {
  if (!CHECK_INT(PIX_OK, x->failure)) printf("  %s\n", x->message);
  CHECK(x->sent == PIX_SENT_YES && !x->resent);
}

/* One request and what is expected of it. */
static inline struct pix_exchange *expect(struct fixture *f, const char *method, const char *body,
                                          bool once, enum pix_kind failure, enum pix_sent sent) {
  struct pix_exchange *exchange = fixture_run(f, fixture_exchange(f, method, body, once));

  if (!CHECK_INT(failure, exchange->failure) || !CHECK_INT(sent, exchange->sent))
    printf("  %s, libcurl %d, HTTP %ld\n", exchange->message, exchange->curl_code,
           exchange->status);
  CHECK((exchange->message[0] == '\0') == (failure == PIX_OK));
  return exchange;
}

#endif
