/*
** http_sent_test.c - failures, and what they say of the request: did it leave, and how often?
*/
#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>

#include "../support/http_fixture.h"

static atomic_int asked; /* look-ups of slow.test, each in a thread of libcurl's */
static atomic_bool may_answer;

/* libcurl's look-ups come here: no test asks a real name server. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

  if (name != NULL && strcmp(name, "none.test") == 0) return EAI_NONAME;
  if (name != NULL && strcmp(name, "slow.test") == 0) {
    atomic_fetch_add(&asked, 1);
    while (!may_answer) usleep(500);
    return EAI_NONAME;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(name, service, hints, out);
}

static void sent_is_decided_by_what_left(void) {
  CHECK_INT(PIX_SENT_NO, pix_http_sent(7, 0, 0));
  CHECK_INT(PIX_SENT_NO, pix_http_sent(28, 0, 0));
  CHECK_INT(PIX_SENT_NO, pix_http_sent(0, 0, 0));
  CHECK_INT(PIX_SENT_YES, pix_http_sent(0, 100, 200));
  CHECK_INT(PIX_SENT_YES, pix_http_sent(0, 100, 500));
  CHECK_INT(PIX_SENT_MAYBE, pix_http_sent(0, 100, 0));
  CHECK_INT(PIX_SENT_MAYBE, pix_http_sent(28, 100, 0));
  CHECK_INT(PIX_SENT_MAYBE, pix_http_sent(18, 100, 200));
  CHECK_INT(PIX_SENT_MAYBE, pix_http_sent(65, 100, 0));
}

static void every_failure_has_its_kind(void) {
  static const struct {
    int code;
    enum pix_kind kind;
  } rows[] = {
      {CURLE_OK, PIX_OK},
      {CURLE_OPERATION_TIMEDOUT, PIX_ETIMEOUT},
      {CURLE_OUT_OF_MEMORY, PIX_EINTERNAL},
      {CURLE_FAILED_INIT, PIX_EINTERNAL},
      {CURLE_BAD_FUNCTION_ARGUMENT, PIX_EINTERNAL},
      {CURLE_SSL_CACERT_BADFILE, PIX_ECONFIG},
      {CURLE_URL_MALFORMAT, PIX_ECONFIG},
      {CURLE_WEIRD_SERVER_REPLY, PIX_EPROTOCOL},
      {CURLE_BAD_CONTENT_ENCODING, PIX_EPROTOCOL},
      {CURLE_WRITE_ERROR, PIX_EPROTOCOL},
      {CURLE_UNSUPPORTED_PROTOCOL, PIX_EPROTOCOL},
      {CURLE_COULDNT_CONNECT, PIX_ENETWORK},
      {CURLE_GOT_NOTHING, PIX_ENETWORK},
      {9999, PIX_ENETWORK},
  };

  for (size_t i = 0; i < PIX_COUNT(rows); i++)
    if (!CHECK_INT(rows[i].kind, pix_http_kind(rows[i].code))) printf("  %d\n", rows[i].code);
}

static void serve_old(struct tcp_conn *conn) {
  if (tcp_request(conn)) tcp_write(conn, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}");
}

static void the_version_of_the_answer_is_told(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_old);
  x = expect(&f, "POST", "{}", true, PIX_OK, PIX_SENT_YES);
  CHECK_INT(10, x->http_version);
  exchange_end(x);
  fixture_close(&f);
}

/* What its owner put into it is too much: nothing leaves. */
static void an_overfull_body_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;
  char kilobyte[1024];

  memset(kilobyte, 'x', sizeof kilobyte);
  fixture_start(&f, serve_old);
  x = fixture_exchange(&f, "POST", "{}", true);
  while (!x->body.failed) pix_buf_add(&x->body, kilobyte, sizeof kilobyte);
  x = fixture_run(&f, x);
  CHECK_INT(PIX_EINVALID, x->failure);
  CHECK_INT(PIX_SENT_NO, x->sent);
  CHECK_STR("the request's body is too large", x->message);
  exchange_end(x);
  CHECK_INT(0, f.server.requests);
  fixture_close(&f);
}

/* Answers by hand are held to the same limit. */
static void an_overfull_answer_is_maybe(void) {
  struct pix_reactor *reactor;
  struct pix_exchange *x;
  struct fixture f;

  fixture_init(&f);
  f.settings.max_response = 1000;
  snprintf(f.base, sizeof f.base, "http://127.0.0.1:9");
  fixture_open(&f);
  CHECK_INT(PIX_OK, pix_reactor_new(true, &reactor, NULL));
  pix_reactor_submit(reactor, &fixture_exchange(&f, "POST", "{}", true)->op);
  x = (struct pix_exchange *)pix_reactor_outbox(reactor);
  CHECK(x != NULL);
  pix_exchange_answer(x, 200, (char[2000]){0}, 2000);
  CHECK_INT(PIX_EPROTOCOL, x->failure);
  CHECK_INT(PIX_SENT_MAYBE, x->sent);
  CHECK_STR("the answer is larger than max_response", x->message);
  pix_reactor_finish(reactor, &x->op);
  CHECK(pix_reactor_drain(reactor) == &x->op);
  exchange_end(x);
  pix_reactor_close(reactor);
  fixture_close(&f);
}

static void serve_ok(struct tcp_conn *conn) {
  while (tcp_request(conn))
    tcp_write(conn, "HTTP/1.1 201 Created\r\nContent-Type:  application/json \r\n"
                    "Retry-After: 7\r\nContent-Length: 2\r\n\r\n{}");
}

/* ---- failures after the request left: always "maybe" ---- */

static void serve_script(struct tcp_conn *conn) {
  static const char *const answers[] = {
      "",                                                             /* 0: empty */
      "HTTP/1.1 200 OK\r\nContent-Ty",                                /* 1: header cut */
      "HTTP/1.1 200 OK\r\nContent-Type: x/y\r\n",                     /* 2: cut at a line's end */
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\"",      /* 3: body cut */
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", /* 4: chunk cut */
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", /* 5: no last chunk */
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",      /* 6: not a chunk */
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!", /* 7 */
      "this is not HTTP\r\n\r\n",                                                        /* 8 */
      "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",                                   /* 9 */
      "HTTP/1.1 100 Continue\r\n\r\n", /* 10: nothing after a 1xx */
  };

  if (!tcp_request(conn)) return;
  tcp_write(conn, answers[atomic_load(&conn->server->gate)]);
}

static void broken_answers_are_maybe(void) {
  static const enum pix_kind kinds[] = {PIX_ENETWORK,  PIX_ENETWORK,  PIX_ENETWORK, PIX_ENETWORK,
                                        PIX_ENETWORK,  PIX_ENETWORK,  PIX_ENETWORK, PIX_EPROTOCOL,
                                        PIX_EPROTOCOL, PIX_EPROTOCOL, PIX_ENETWORK};
  struct fixture f;

  fixture_start(&f, serve_script);
  for (size_t i = 0; i < PIX_COUNT(kinds); i++) {
    for (int once = 0; once < 2; once++) {
      int before = f.server.requests;
      struct pix_exchange *x = NULL;
      f.server.gate = (int)i;
      x = expect(&f, "POST", "{}", once, kinds[i], PIX_SENT_MAYBE);
      if (x->failure != kinds[i]) printf("  answer %zu\n", i);
      CHECK(!x->resent);
      exchange_end(x);
      CHECK_INT(before + 1, f.server.requests);
    }
  }
  fixture_close(&f);
}

static void serve_reset(struct tcp_conn *conn) {
  if (!tcp_request(conn)) return;
  tcp_reset(conn);
}

static void a_reset_is_maybe(void) {
  struct fixture f;

  fixture_start(&f, serve_reset);
  exchange_end(expect(&f, "POST", "{}", true, PIX_ENETWORK, PIX_SENT_MAYBE));
  exchange_end(expect(&f, "GET", NULL, false, PIX_ENETWORK, PIX_SENT_MAYBE));
  CHECK_INT(2, f.server.requests);
  fixture_close(&f);
}

static void serve_hang(struct tcp_conn *conn) {
  if (tcp_request(conn)) tcp_hang(conn);
}

static void a_hang_is_maybe(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_hang);
  x = fixture_exchange(&f, "POST", "{}", true);
  x->timeout = 2; /* in which a busy machine sends it */
  x = fixture_run(&f, x);
  CHECK_INT(PIX_ETIMEOUT, x->failure);
  CHECK_INT(PIX_SENT_MAYBE, x->sent);
  CHECK_INT(28, x->curl_code);
  CHECK(strstr(x->message, "no answer from 127.0.0.1:") != NULL);
  exchange_end(x);
  CHECK_INT(1, f.server.requests);
  fixture_close(&f);
}

static void cancel_under_way_is_maybe(void) {
  struct fixture f;
  struct pix_exchange *x;
  uint64_t id;

  fixture_start(&f, serve_hang);
  id = pix_reactor_submit(f.reactor, &fixture_exchange(&f, "POST", "{}", true)->op);
  while (f.server.requests == 0) usleep(1000);
  pix_reactor_cancel(f.reactor, id);
  x = fixture_next(&f);
  CHECK_INT(PIX_ECANCELLED, x->failure);
  CHECK_INT(PIX_SENT_MAYBE, x->sent);
  CHECK(x->op.cancelled && x->request_size > 0);
  exchange_end(x);
  fixture_close(&f);
}

/* ---- failures before: always "no" ---- */

static void refused_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;
  int port, fd = tcp_take(&port); /* nobody listens, and nobody else can */
  char words[80];

  fixture_init(&f);
  snprintf(f.base, sizeof f.base, "http://127.0.0.1:%d", port);
  fixture_open(&f);
  x = expect(&f, "POST", "{}", true, PIX_ENETWORK, PIX_SENT_NO);
  snprintf(words, sizeof words, "could not connect to 127.0.0.1:%d (connection refused)", port);
  CHECK_STR(words, x->message);
  CHECK_INT(0, x->request_size);
  exchange_end(x);
  fixture_close(&f);
  close(fd);
}

static void an_unknown_name_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_init(&f);
  snprintf(f.base, sizeof f.base, "http://none.test");
  f.settings.allow_http = true;
  fixture_open(&f);
  x = expect(&f, "POST", "{}", true, PIX_ENETWORK, PIX_SENT_NO);
  CHECK_STR("could not find the address of none.test:80", x->message);
  exchange_end(x);
  fixture_close(&f);
}

static uint64_t ask_slowly(struct fixture *f) {
  struct pix_exchange *x = fixture_exchange(f, "POST", "{}", true);
  int before = asked;
  uint64_t id;

  x->timeout = FIXTURE_PATIENCE;
  id = pix_reactor_submit(f->reactor, &x->op);
  while (asked == before) usleep(1000);
  return id;
}

/* Neither the time-out, nor the cancel, nor close may wait for the name server: it answers when all
** of them are over. */
static void a_hanging_name_server_holds_nobody(void) {
  int threads = fixture_threads();
  struct pix_exchange *x;
  struct fixture f;
  uint64_t id;

  alarm(FIXTURE_PATIENCE); /* who waits for it does so for ever */
  fixture_init(&f);
  snprintf(f.base, sizeof f.base, "http://slow.test");
  f.settings.allow_http = true;
  f.settings.timeout = 0.1;
  fixture_open(&f);
  exchange_end(expect(&f, "POST", "{}", true, PIX_ETIMEOUT, PIX_SENT_NO));
  id = ask_slowly(&f);
  CHECK_INT(0, pix_reactor_wait(f.reactor, 0));
  pix_reactor_cancel(f.reactor, id);
  x = fixture_next(&f);
  CHECK_INT(PIX_SENT_NO, x->sent);
  exchange_end(x);
  ask_slowly(&f);
  fixture_close(&f);
  may_answer = true;
  while (fixture_threads() > threads) usleep(1000); /* libcurl's end before leaks are sought */
  alarm(0);
}

/* A socket whose backlog is full: connects hang. */
static void a_hanging_connect_is_no(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int port, fds[8], fd = tcp_listen(&port, 0);
  struct fixture f;
  struct pix_exchange *x;

  address.sin_port = htons((uint16_t)port);
  for (size_t i = 0; i < PIX_COUNT(fds); i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    fcntl(fds[i], F_SETFL, O_NONBLOCK);
    (void)!connect(fds[i], (struct sockaddr *)&address, sizeof address);
  }
  CHECK_INT(1, poll(&(struct pollfd){fd, POLLIN, 0}, 1, -1)); /* it holds one, and is full */
  for (int total = 0; total < 2; total++) {
    fixture_init(&f);
    snprintf(f.base, sizeof f.base, "http://127.0.0.1:%d", port);
    if (total)
      f.settings.timeout = 0.2;
    else
      f.settings.connect_timeout = 0.2;
    fixture_open(&f);
    x = expect(&f, "POST", "{}", true, PIX_ETIMEOUT, PIX_SENT_NO);
    CHECK_INT(28, x->curl_code);
    exchange_end(x);
    fixture_close(&f);
  }
  for (size_t i = 0; i < PIX_COUNT(fds); i++) close(fds[i]);
  close(fd);
}

static void serve_proxy_refusal(struct tcp_conn *conn) {
  while (tcp_request(conn)) tcp_write(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
}

static void a_proxy_of_no_address_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_init(&f);
  snprintf(f.base, sizeof f.base, "http://127.0.0.1:9");
  f.settings.proxy = "http://none.test:3128";
  fixture_open(&f);
  x = expect(&f, "POST", "{}", true, PIX_ENETWORK, PIX_SENT_NO);
  CHECK_STR("could not find the proxy's address", x->message);
  exchange_end(x);
  fixture_close(&f);
}

/* What is left unread when the connection is closed makes a reset of it. */
static void serve_socks_refusal(struct tcp_conn *conn) {
  char greeting[2 + 255]; /* version, how many methods, and those */

  if (tcp_read(conn, greeting, sizeof greeting) > 0) tcp_send(conn, "\5\377", 2);
}

/* SOCKS: it wants a login that there is none of. */
static void a_proxy_that_wants_a_login_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;
  char proxy[80];

  fixture_init(&f);
  fixture_serve(&f, serve_socks_refusal, NULL);
  snprintf(proxy, sizeof proxy, "socks5h://127.0.0.1:%d", f.server.port);
  snprintf(f.base, sizeof f.base, "http://127.0.0.1:9");
  f.settings.proxy = proxy;
  fixture_open(&f);
  x = expect(&f, "POST", "{}", true, PIX_ENETWORK, PIX_SENT_NO);
  CHECK_STR("the proxy refused or failed", x->message);
  exchange_end(x);
  fixture_close(&f);
}

/* The CONNECT went to the proxy, nothing to the provider. */
static void a_proxy_that_refuses_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start_proxy(&f, serve_proxy_refusal, "https://none.test");
  x = expect(&f, "POST", "{}", true, PIX_ENETWORK, PIX_SENT_NO);
  CHECK_INT(1, f.server.requests);
  exchange_end(x);
  fixture_close(&f);
}

static void the_environments_proxy_is_not_used(void) {
  struct fixture f;

  setenv("http_proxy", "http://127.0.0.1:9", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
  fixture_start(&f, serve_ok);
  exchange_end(expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES));
  fixture_close(&f);
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
}

static void a_url_elsewhere_is_refused(void) {
  static const char *const urls[] = {"http://127.0.0.1:1/",
                                     "http://user@127.0.0.1:%d/",
                                     "http://127.0.0.1:%d@other.test/",
                                     "http://127.0.0.1:%d9/",
                                     "https://127.0.0.1:%d/",
                                     "file:///etc/passwd",
                                     "",
                                     "http://127.0.0.1:%d/a b",
                                     "http://127.0.0.1:%d/\r\nX: y",
                                     "http://127.0.0.1:%d/\xc3\xa9",
                                     "http://127.0.0.1:%d.test/"};
  struct fixture f;

  fixture_start(&f, serve_ok);
  for (size_t i = 0; i < PIX_COUNT(urls); i++) {
    struct pix_exchange *x = pix_exchange_new(f.client);
    const char *hole = strstr(urls[i], "%d");
    pix_buf_add(&x->url, urls[i], hole != NULL ? (size_t)(hole - urls[i]) : strlen(urls[i]));
    if (hole != NULL) pix_buf_addf(&x->url, "%d%s", f.server.port, hole + 2);
    x = fixture_run(&f, x);
    CHECK_INT(PIX_EINVALID, x->failure);
    CHECK_INT(PIX_SENT_NO, x->sent);
    exchange_end(x);
  }
  CHECK_INT(0, f.server.connections);
  fixture_close(&f);
}

/* ---- the silent second try ---- */

/* The first request of a connection is answered, the second is read and the line goes dead. */
static void serve_then_die(struct tcp_conn *conn) {
  if (!tcp_request(conn)) return;
  tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  if (tcp_request(conn) && conn->server->gate) tcp_reset(conn);
}

static void dies_on_second(const char *method, const char *body, bool reset) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_then_die);
  f.server.gate = reset;
  exchange_end(expect(&f, method, body, true, PIX_OK, PIX_SENT_YES));
  x = expect(&f, method, body, true, PIX_ENETWORK, PIX_SENT_MAYBE);
  CHECK(!x->resent);
  CHECK(x->curl_code == 65 || x->curl_code == 42 || x->curl_code == 52 || x->curl_code == 56 ||
        x->curl_code == 55);
  exchange_end(x);
  CHECK_INT(2, f.server.requests);                                    /* received once */
  exchange_end(expect(&f, method, body, true, PIX_OK, PIX_SENT_YES)); /* and the handle lives */
  CHECK_INT(3, f.server.requests);
  fixture_close(&f);
}

static void once_is_received_once(void) {
  for (int reset = 0; reset < 2; reset++) {
    dies_on_second("POST", "{\"amount\":1}", reset);
    dies_on_second("DELETE", "{\"value\":1}", reset);
    dies_on_second("POST", NULL, reset);
    dies_on_second("DELETE", NULL, reset);
    dies_on_second("GET", NULL, reset);
  }
}

static void a_read_is_repeated(void) {
  static const char *const bodies[] = {NULL, "{\"q\":1}"};
  struct fixture f;

  for (size_t i = 0; i < PIX_COUNT(bodies); i++) {
    const char *method = bodies[i] != NULL ? "POST" : "GET";
    struct pix_exchange *x;
    fixture_start(&f, serve_then_die);
    exchange_end(expect(&f, method, bodies[i], false, PIX_OK, PIX_SENT_YES));
    x = expect(&f, method, bodies[i], false, PIX_OK, PIX_SENT_YES);
    CHECK(x->resent);
    exchange_end(x);
    CHECK_INT(3, f.server.requests);
    fixture_close(&f);
  }
}

/* libcurl counts an easy handle's retries over all its transfers, and gives up at the sixth. */
static void a_read_is_repeated_however_often(void) {
  struct fixture f;

  fixture_start(&f, serve_then_die);
  for (int i = 0; i < 20; i++) {
    f.server.gate = i % 2;
    exchange_end(expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES));
  }
  CHECK_INT(39, f.server.requests);
  fixture_close(&f);
}

/* ---- kept connections that have died ---- */

/* Answers the first request when the gate is 1; from 2 on connections of the first hour die on the
** next request; at 3 they close by themselves. */
static void serve_first_hour(struct tcp_conn *conn) {
  while (tcp_request(conn)) {
    if (conn->server->gate == 2 && conn->number <= 12) return;
    while (conn->server->gate == 0) usleep(500);
    tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (conn->server->gate == 3) return;
  }
}

static void collect_ok(struct fixture *f, int count) {
  while (count > 0) {
    struct pix_op *op = NULL;
    if (!CHECK_INT(1, pix_reactor_wait(f->reactor, 30))) return;
    for (op = pix_reactor_drain(f->reactor); op != NULL; count--) {
      struct pix_exchange *x = (struct pix_exchange *)op;
      op = op->next;
      if (!CHECK_INT(PIX_OK, x->failure)) printf("  %s (%d)\n", x->message, x->curl_code);
      CHECK_INT(PIX_SENT_YES, x->sent);
      exchange_end(x);
    }
  }
}

/* Twelve connections, each of which has answered one request. */
static void open_twelve(struct fixture *f, int gate) {
  fixture_init(f);
  f->settings.max_connections = 12;
  fixture_serve(f, serve_first_hour, NULL);
  fixture_open(f);
  for (int i = 0; i < 12; i++)
    pix_reactor_submit(f->reactor, &fixture_exchange(f, "POST", "{}", true)->op);
  while (f->server.requests < 12) usleep(1000);
  f->server.gate = gate;
  collect_ok(f, 12);
  CHECK_INT(12, f->server.connections);
}

static void a_read_outlives_many_dead_connections(void) {
  struct fixture f;

  open_twelve(&f, 1);
  f.server.gate = 2;
  for (int i = 0; i < 3; i++) {
    struct pix_exchange *x = expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES);
    CHECK(i > 0 || x->resent);
    exchange_end(x);
  }
  fixture_close(&f);
}

static void a_create_does_not_take_a_closed_connection(void) {
  struct fixture f;

  open_twelve(&f, 3);
  tcp_server_idle(&f.server);
  f.server.gate = 1; /* those that follow may share a connection, so none is closed */
  for (int i = 0; i < 12; i++)
    pix_reactor_submit(f.reactor, &fixture_exchange(&f, "POST", "{}", true)->op);
  collect_ok(&f, 12);
  CHECK_INT(24, f.server.requests);
  fixture_close(&f);
}

static const struct check_test tests[] = {
    {"a broken answer leaves \"maybe\", and is asked for once", broken_answers_are_maybe},
    {"a reset leaves \"maybe\"", a_reset_is_maybe},
    {"a time-out after sending leaves \"maybe\"", a_hang_is_maybe},
    {"a cancel after sending leaves \"maybe\"", cancel_under_way_is_maybe},
    {"a refused connection leaves \"no\"", refused_is_no},
    {"an unknown name leaves \"no\"", an_unknown_name_is_no},
    {"a name server that hangs holds nobody up", a_hanging_name_server_holds_nobody},
    {"a connect that hangs leaves \"no\"", a_hanging_connect_is_no},
    {"a proxy that refuses leaves \"no\"", a_proxy_that_refuses_is_no},
    {"a proxy whose name is unknown leaves \"no\"", a_proxy_of_no_address_is_no},
    {"a proxy that wants a login leaves \"no\"", a_proxy_that_wants_a_login_is_no},
    {"the environment's proxies are not used", the_environments_proxy_is_not_used},
    {"a URL that is not under base_url is refused", a_url_elsewhere_is_refused},
    {"a once request is received once when its connection dies", once_is_received_once},
    {"a read is repeated when its connection dies", a_read_is_repeated},
    {"a read is repeated however often its connection dies", a_read_is_repeated_however_often},
    {"a read outlives more dead connections than libcurl tries",
     a_read_outlives_many_dead_connections},
    {"a create does not take a connection that was closed while idle",
     a_create_does_not_take_a_closed_connection},
    {"every failure of libcurl's has its kind", every_failure_has_its_kind},
    {"the version of the answer is told", the_version_of_the_answer_is_told},
    {"a body that is too much leaves \"no\"", an_overfull_body_is_no},
    {"an answer by hand that is too much leaves \"maybe\"", an_overfull_answer_is_maybe},
    {"sent is decided by what left", sent_is_decided_by_what_left},
};

CHECK_MAIN(tests)
