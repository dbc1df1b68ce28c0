/*
** http_test.c - exchanges against a scripted server: what goes out, what comes back, the limits and
** the settings. Failures and what they say of the request are in http_sent_test.c, TLS is in
** http_tls_test.c, the queue and many at once in http_load_test.c.
*/
#include "../support/http_fixture.h"

/* ---- answers ---- */

static void serve_ok(struct tcp_conn *conn) {
  while (tcp_request(conn))
    tcp_write(conn, "HTTP/1.1 201 Created\r\nContent-Type:  application/json \r\n"
                    "Retry-After: 7\r\nContent-Length: 2\r\n\r\n{}");
}

static void reads_an_answer(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_ok);
  x = expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES);
  CHECK_INT(201, x->status);
  CHECK_STR("{}", pix_buf_text(&x->reply));
  CHECK_STR("application/json", x->content_type);
  CHECK_STR("7", x->retry_after);
  CHECK_INT(11, x->http_version);
  CHECK_INT(0, x->curl_code);
  CHECK(x->request_size > 0 && !x->resent && !x->reused);
  exchange_end(x);
  x = expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES);
  CHECK(x->reused);
  exchange_end(x);
  fixture_close(&f);
}

/* Answers with the request's text. */
static void serve_echo(struct tcp_conn *conn) {
  char head[128];

  while (tcp_request(conn)) {
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", conn->used);
    tcp_write(conn, head);
    tcp_send(conn, conn->text, conn->used);
  }
}

static struct pix_exchange *echo(struct fixture *f, const char *method, const char *body,
                                 bool once) {
  return expect(f, method, body, once, PIX_OK, PIX_SENT_YES);
}

static void check_echo(struct fixture *f, const char *method, const char *body, bool once) {
  struct pix_exchange *x = echo(f, method, body, once);
  const char *text = pix_buf_text(&x->reply), *rest = strstr(text, "\r\n\r\n");
  char line[64];

  snprintf(line, sizeof line, "%s /path?query=sekret HTTP/1.1\r\n", method);
  CHECK(strncmp(text, line, strlen(line)) == 0);
  CHECK_STR(body != NULL ? body : "", rest != NULL ? rest + 4 : "?");
  CHECK(strcasestr(text, "\r\nExpect:") == NULL && strcasestr(text, "Transfer-Encoding") == NULL);
  CHECK(strstr(text, "\r\nUser-Agent: luapix/" PIX_VERSION "\r\n") != NULL);
  CHECK(body == NULL || strcasestr(text, "\r\nContent-Length:") != NULL);
  CHECK(!x->resent);
  exchange_end(x);
}

/* Every order of methods on one handle: what one sets must not stay for the next. */
static void sends_what_it_was_given(void) {
  static const struct {
    const char *method, *body;
  } requests[] = {
      {"GET", NULL}, {"POST", "{\"a\":1}"}, {"DELETE", NULL}, {"DELETE", "{}"}, {"POST", NULL}};
  struct fixture f;

  fixture_start(&f, serve_echo);
  for (size_t i = 0; i < 100; i++) {
    size_t a = i % 10, b = i / 10;
    check_echo(&f, requests[a / 2].method, requests[a / 2].body, a % 2);
    check_echo(&f, requests[b / 2].method, requests[b / 2].body, b % 2);
  }
  CHECK_INT(1, f.server.connections);
  fixture_close(&f);
}

static void sends_a_body_of_any_size(void) {
  char *body = malloc(PIX_MAX_REQUEST + 1);
  struct fixture f;

  fixture_start(&f, serve_echo);
  memset(body, 'b', PIX_MAX_REQUEST);
  body[PIX_MAX_REQUEST] = '\0';
  check_echo(&f, "POST", body, true);
  check_echo(&f, "POST", body, false);
  check_echo(&f, "DELETE", body, true);
  free(body);
  fixture_close(&f);
}

static void sends_headers(void) {
  struct pix_http_headers *headers = pix_http_headers_new(true);
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_echo);
  CHECK_INT(PIX_OK, pix_http_headers_add(headers, "Authorization", "Bearer abc", NULL));
  CHECK_INT(PIX_OK, pix_http_headers_add(headers, "Content-Type", "application/json", NULL));
  CHECK_INT(PIX_OK, pix_http_headers_add(headers, "X-Empty", "", NULL));
  for (int i = 0; i < 2; i++) {
    x = fixture_exchange(&f, "POST", "{}", i == 0);
    x->headers = pix_http_headers_ref(headers);
    x = fixture_run(&f, x);
    CHECK(strstr(pix_buf_text(&x->reply), "\r\nAuthorization: Bearer abc\r\n") != NULL);
    CHECK(strstr(pix_buf_text(&x->reply), "\r\nContent-Type: application/json\r\n") != NULL);
    CHECK(strstr(pix_buf_text(&x->reply), "\r\nX-Empty:") != NULL);
    CHECK(strstr(pix_buf_text(&x->reply), "urlencoded") == NULL);
    exchange_end(x);
  }
  pix_http_headers_unref(headers);
  x = echo(&f, "GET", NULL, false); /* and none of them stay */
  CHECK(strstr(pix_buf_text(&x->reply), "Bearer") == NULL);
  exchange_end(x);
  fixture_close(&f);
}

/* One exchange's own line, before those that it shares; the shared list stays as it was. */
static void sends_a_line_of_its_own(void) {
  struct pix_http_headers *shared = pix_http_headers_new(false), *own;
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_echo);
  CHECK_INT(PIX_OK, pix_http_headers_add(shared, "Authorization", "Bearer abc", NULL));
  CHECK(pix_http_headers_with(shared, "Idempotency-Key", "a\r\nX: b", NULL) == NULL);
  own = pix_http_headers_with(shared, "Idempotency-Key", "order-17", NULL);
  CHECK_STR("Idempotency-Key: order-17", pix_http_headers_at(own, 0));
  for (int i = 0; i < 2; i++) {
    x = fixture_exchange(&f, "POST", "{}", true);
    x->headers = pix_http_headers_ref(i == 0 ? own : shared);
    x = fixture_run(&f, x);
    CHECK(strstr(pix_buf_text(&x->reply), "\r\nAuthorization: Bearer abc\r\n") != NULL);
    CHECK_INT(i == 0, strstr(pix_buf_text(&x->reply), "\r\nIdempotency-Key: order-17\r\n") != NULL);
    CHECK(!x->resent);
    exchange_end(x);
  }
  pix_http_headers_unref(shared);
  CHECK(pix_http_headers_at(own, 1) != NULL);
  pix_http_headers_unref(own);
  fixture_close(&f);
}

static void asks_for_compression_of_long_answers(void) {
  struct pix_http_headers *lists[] = {pix_http_headers_new(false), pix_http_headers_new(true)};
  struct fixture f;

  fixture_start(&f, serve_echo);
  for (int i = 0; i < 4; i++) {
    struct pix_exchange *x = fixture_exchange(&f, "GET", NULL, false);
    x->headers = pix_http_headers_ref(lists[i % 2]);
    x = fixture_run(&f, x);
    CHECK_INT(i % 2, strstr(pix_buf_text(&x->reply), "\r\nAccept-Encoding: gzip\r\n") != NULL);
    CHECK_INT(i % 2, strcasestr(pix_buf_text(&x->reply), "Accept-Encoding") != NULL);
    exchange_end(x);
  }
  for (int i = 0; i < 2; i++) pix_http_headers_unref(lists[i]);
  fixture_close(&f);
}

/* Without a tunnel a proxy learns from the request line where it is to go. */
static void tells_a_proxy_the_whole_url(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start_proxy(&f, serve_echo, "http://none.test:8080");
  for (int i = 0; i < 2; i++) {
    x = echo(&f, "POST", "{}", i == 0);
    CHECK(strstr(pix_buf_text(&x->reply),
                 "POST http://none.test:8080/path?query=sekret HTTP/1.1\r\n"
                 "Host: none.test:8080\r\n") == pix_buf_text(&x->reply));
    exchange_end(x);
  }
  fixture_close(&f);
}

static void refuses_bad_headers(void) {
  static const char *const values[] = {"a\r\nX: b", "a\nb", "a\rb", "\x01", "\x7f"};
  static const char *const names[] = {"", "a b", "a:b", "a\r\n", "\xc3\xa9"};
  struct pix_http_headers *headers = pix_http_headers_new(true);
  char *large = calloc(1, PIX_MAX_HEADER + 1);
  struct pix_err err;

  for (size_t i = 0; i < PIX_COUNT(values); i++) {
    CHECK_INT(PIX_EINVALID, pix_http_headers_add(headers, "X", values[i], &err));
    CHECK(strstr(err.message, values[i]) == NULL);
  }
  for (size_t i = 0; i < PIX_COUNT(names); i++)
    CHECK_INT(PIX_EINVALID, pix_http_headers_add(headers, names[i], "v", NULL));
  memset(large, 'x', PIX_MAX_HEADER);
  CHECK_INT(PIX_EINVALID, pix_http_headers_add(headers, "X", large, NULL));
  large[PIX_MAX_HEADER - 3] = '\0';
  CHECK_INT(PIX_OK, pix_http_headers_add(headers, "X", large, NULL));
  free(large);
  pix_http_headers_unref(headers);
}

/* The gate opens if a cookie comes back. */
static void serve_redirect(struct tcp_conn *conn) {
  while (tcp_request(conn)) {
    if (strcasestr(conn->text, "\r\ncookie:") != NULL) conn->server->gate = 1;
    tcp_write(conn, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\n"
                    "Content-Length: 0\r\n\r\n");
  }
}

static void follows_no_redirect(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_redirect);
  x = expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES);
  CHECK_INT(302, x->status);
  exchange_end(x);
  CHECK_INT(1, f.server.requests);
  exchange_end(expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES));
  CHECK_INT(0, f.server.gate);
  fixture_close(&f);
}

static void serve_chunked(struct tcp_conn *conn) {
  while (tcp_request(conn))
    tcp_write(conn, "HTTP/1.1 103 Early Hints\r\nContent-Type: x/early\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nContent-Type: x/trailer\r\n\r\n");
}

static void reads_chunks_hints_and_trailers(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_chunked);
  x = expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES);
  CHECK_STR("hello world", pix_buf_text(&x->reply));
  CHECK_STR("", x->content_type);
  exchange_end(x);
  fixture_close(&f);
}

/* ---- limits ---- */

static void serve_huge(struct tcp_conn *conn) {
  static char block[65536];
  int how = conn->server->gate;

  memset(block, how == 2 ? 'h' : 'b', sizeof block);
  if (!tcp_request(conn)) return;
  if (how == 0) tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
  if (how == 1) tcp_write(conn, "HTTP/1.1 200 OK\r\n\r\n");
  if (how == 2) tcp_write(conn, "HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 16384; i++) {
    if (how == 2 && !tcp_write(conn, "X: ")) return;
    if (how == 2 && (!tcp_send(conn, block, 1000) || !tcp_write(conn, "\r\n"))) return;
    if (how != 2 && !tcp_send(conn, block, sizeof block)) return;
  }
}

static void huge_answers_are_cut_off(void) {
  for (int how = 0; how < 3; how++) {
    struct fixture f;
    struct pix_exchange *x;
    fixture_start(&f, serve_huge);
    f.server.gate = how;
    x = expect(&f, "POST", "{}", true, PIX_EPROTOCOL, PIX_SENT_MAYBE);
    CHECK(x->reply.len <= PIX_MAX_RESPONSE);
    CHECK(strstr(x->message, how == 2 ? "header is too large" : "max_response") != NULL);
    exchange_end(x);
    CHECK_INT(1, f.server.requests);
    fixture_close(&f);
  }
}

static void serve_exact(struct tcp_conn *conn) {
  while (tcp_request(conn)) {
    tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
  }
}

static void the_limit_itself_is_allowed(void) {
  struct fixture f;

  fixture_init(&f);
  fixture_serve(&f, serve_exact, NULL);
  f.settings.max_response = 10;
  fixture_open(&f);
  exchange_end(expect(&f, "GET", NULL, false, PIX_OK, PIX_SENT_YES));
  fixture_close(&f);
  fixture_init(&f);
  fixture_serve(&f, serve_exact, NULL);
  f.settings.max_response = 9;
  fixture_open(&f);
  exchange_end(expect(&f, "GET", NULL, false, PIX_EPROTOCOL, PIX_SENT_MAYBE));
  fixture_close(&f);
}

/* 1,040 bytes that unfold to a megabyte of blanks: `head -c 1048576 /dev/zero | gzip -9`, made here
** by hand: a deflate block whose matches of 258 repeat one zero byte. */
static size_t make_bomb(unsigned char *to, size_t matches) {
  static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  size_t at = sizeof head, bit = 0;
  unsigned value[] = {1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0}; /* last, fixed codes, literal 0 */

  memcpy(to, head, sizeof head);
  memset(to + at, 0, matches * 2 + 16);
  for (size_t i = 0; i < PIX_COUNT(value); i++, bit++)
    to[at + bit / 8] |= (unsigned char)(value[i] << bit % 8);
  for (size_t i = 0; i < matches; i++) { /* length 258 = code 285: 11000101; distance 1: 00000 */
    static const unsigned match[] = {1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0};
    for (size_t j = 0; j < PIX_COUNT(match); j++, bit++)
      to[at + bit / 8] |= (unsigned char)(match[j] << bit % 8);
  }
  return at + bit / 8 + 1;
}

static void serve_bomb(struct tcp_conn *conn) {
  static unsigned char bomb[40100];
  char head[128];
  size_t size = make_bomb(bomb, 20000); /* 5 MB */

  if (!tcp_request(conn)) return;
  snprintf(head, sizeof head,
           "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", size);
  tcp_write(conn, head);
  tcp_send(conn, (const char *)bomb, size);
  tcp_hang(conn);
}

static void a_gzip_bomb_is_cut_off(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_start(&f, serve_bomb);
  x = expect(&f, "POST", "{}", true, PIX_EPROTOCOL, PIX_SENT_MAYBE);
  CHECK(strstr(x->message, "max_response") != NULL);
  CHECK(x->reply.len > PIX_MAX_RESPONSE / 2 && x->reply.cap <= 2 * PIX_MAX_RESPONSE);
  exchange_end(x);
  fixture_close(&f);
}

/* ---- the rest ---- */

static void a_virtual_reactor_sends_nothing(void) {
  struct fixture f;
  struct pix_reactor *r = NULL;
  struct pix_exchange *x;
  uint64_t second;

  fixture_start(&f, serve_ok);
  CHECK_INT(PIX_OK, pix_reactor_new(true, &r, NULL));
  pix_reactor_submit(r, &fixture_exchange(&f, "POST", "{}", true)->op);
  second = pix_reactor_submit(r, &fixture_exchange(&f, "POST", "{}", true)->op);
  pix_reactor_submit(r, &fixture_exchange(&f, "POST", "{}", true)->op);
  x = (struct pix_exchange *)pix_reactor_outbox(r);
  pix_exchange_answer(x, 201, "{\"id\":1}", 8);
  pix_reactor_finish(r, &x->op);
  x = (struct pix_exchange *)pix_reactor_drain(r);
  CHECK(x->failure == PIX_OK && x->sent == PIX_SENT_YES && x->status == 201);
  CHECK_STR("{\"id\":1}", pix_buf_text(&x->reply));
  exchange_end(x);
  pix_reactor_cancel(r, second);
  x = (struct pix_exchange *)pix_reactor_drain(r);
  CHECK(x->failure == PIX_ECANCELLED && x->sent == PIX_SENT_NO && x->op.cancelled);
  exchange_end(x);
  x = (struct pix_exchange *)pix_reactor_outbox(r);
  pix_exchange_fail(x, PIX_ETIMEOUT, PIX_SENT_MAYBE, "no answer");
  pix_reactor_finish(r, &x->op);
  x = (struct pix_exchange *)pix_reactor_drain(r);
  CHECK(x->failure == PIX_ETIMEOUT && x->sent == PIX_SENT_MAYBE);
  CHECK_STR("no answer", x->message);
  exchange_end(x);
  pix_reactor_close(r);
  CHECK_INT(0, f.server.connections);
  fixture_close(&f);
}

static void refuse(const char *url, bool allow_http, const char *field) {
  struct pix_http_settings settings = {.base_url = url,
                                       .allow_http = allow_http,
                                       .timeout = 1,
                                       .connect_timeout = 1,
                                       .max_response = 1,
                                       .max_connections = 1};
  struct pix_http_client *client = NULL;
  struct pix_err err;

  pix_err_init(&err);
  if (!CHECK_INT(PIX_ECONFIG, pix_http_client_new(&settings, &client, &err))) printf("%s\n", url);
  CHECK_STR(field, err.field);
  CHECK(err.message[0] != '\0' && strstr(err.message, "secret") == NULL);
}

static void accept_url(const char *url, bool allow_http) {
  struct pix_http_settings settings = {.base_url = url,
                                       .allow_http = allow_http,
                                       .timeout = 1,
                                       .connect_timeout = 1,
                                       .max_response = 1,
                                       .max_connections = 1};
  struct pix_http_client *client = NULL;

  if (!CHECK_INT(PIX_OK, pix_http_client_new(&settings, &client, NULL))) printf("%s\n", url);
  pix_http_client_unref(client);
}

static void base_url_is_checked(void) {
  static const char *const bad[] = {"",
                                    "api.test",
                                    "/a",
                                    "ftp://api.test",
                                    "file:///etc/passwd",
                                    "http://api.test",
                                    "http://128.0.0.1",
                                    "http://127.evil.test",
                                    "http://localhost.evil.test",
                                    "https://",
                                    "https:///api",
                                    "https:/api.test",
                                    "https://u:secret@api.test",
                                    "https://u@api.test",
                                    "https://api.test/?a=b",
                                    "https://api.test/#a",
                                    "https://api test",
                                    "https://api.test/\n",
                                    "https://api.test/\xc3\xa9",
                                    "https://api.test\\@evil.test",
                                    "https://api.test:99999"};

  for (size_t i = 0; i < PIX_COUNT(bad); i++) refuse(bad[i], false, "base_url");
  refuse("ftp://api.test", true, "base_url");
  accept_url("https://api.test", false);
  accept_url("https://api.test:8443/v1", false);
  accept_url("http://127.0.0.1:80", false);
  accept_url("http://127.1.2.3", false);
  accept_url("http://[::1]:8080/x", false);
  accept_url("http://localhost:8080", false);
  accept_url("http://api.test", true);
}

static void other_settings_are_checked(void) {
  struct pix_http_settings good = {.base_url = "https://api.test",
                                   .timeout = 1,
                                   .connect_timeout = 1,
                                   .max_response = 1,
                                   .max_connections = 1};
  struct pix_http_settings bad[8];
  const char *fields[] = {"timeout",         "timeout", "connect_timeout",   "max_response",
                          "max_connections", "ca_file", "pinned_public_key", "proxy"};

  for (size_t i = 0; i < PIX_COUNT(bad); i++) bad[i] = good;
  bad[0].timeout = 0;
  bad[1].timeout = PIX_MAX_TIMEOUT * 2;
  bad[2].connect_timeout = -1;
  bad[3].max_response = (size_t)PIX_MAX_RESPONSE_CEILING + 1;
  bad[4].max_connections = 0;
  bad[5].ca_file = "/nonexistent/ca.pem";
  bad[6].pinned_public_key = "md5//x";
  bad[7].proxy = "http://a b";
  for (size_t i = 0; i < PIX_COUNT(bad); i++) {
    struct pix_http_client *client = NULL;
    struct pix_err err;
    CHECK_INT(PIX_ECONFIG, pix_http_client_new(&bad[i], &client, &err));
    CHECK_STR(fields[i], err.field);
  }
}

static const struct check_test tests[] = {
    {"reads an answer, its header and its connection", reads_an_answer},
    {"sends the method and body it was given, in every order", sends_what_it_was_given},
    {"sends a body of any size whole", sends_a_body_of_any_size},
    {"sends the headers it was given", sends_headers},
    {"sends a line that one exchange has for itself", sends_a_line_of_its_own},
    {"asks for compression where an answer may be long", asks_for_compression_of_long_answers},
    {"tells a proxy without a tunnel the whole URL", tells_a_proxy_the_whole_url},
    {"refuses header lines that would break out", refuses_bad_headers},
    {"follows no redirect and keeps no cookie", follows_no_redirect},
    {"reads chunks, early hints and trailers", reads_chunks_hints_and_trailers},
    {"huge answers are cut off", huge_answers_are_cut_off},
    {"an answer of just the limit is allowed", the_limit_itself_is_allowed},
    {"a gzip bomb is cut off", a_gzip_bomb_is_cut_off},
    {"a virtual reactor sends nothing", a_virtual_reactor_sends_nothing},
    {"base_url is checked", base_url_is_checked},
    {"the other settings are checked", other_settings_are_checked},
};

CHECK_MAIN(tests)
