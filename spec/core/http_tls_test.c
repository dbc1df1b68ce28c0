/*
** http_tls_test.c - whom an exchange trusts. Authorities and certificates are made here.
*/
#include "../support/http_fixture.h"
#include "../support/tls_cert.h"

static struct tls_authority ours, other;

static void serve_ok(struct tcp_conn *conn) {
  while (tcp_request(conn)) tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* One exchange with a server for `names`, signed by ours, trusting `ca_file`. */
static struct pix_exchange *talk(struct fixture *f, SSL_CTX *tls, const char *ca_file) {
  fixture_init(f);
  f->settings.ca_file = ca_file;
  fixture_serve(f, serve_ok, tls);
  fixture_open(f);
  return fixture_run(f, fixture_exchange(f, "POST", "{}", true));
}

static void finish(struct fixture *f, struct pix_exchange *x, SSL_CTX *tls) {
  exchange_end(x);
  fixture_close(f);
  SSL_CTX_free(tls);
}

static void the_right_authority_is_fine(void) {
  SSL_CTX *tls = tls_server(&ours, "IP:127.0.0.1");
  struct fixture f;
  struct pix_exchange *x = talk(&f, tls, ours.file);

  CHECK_INT(PIX_OK, x->failure);
  CHECK_INT(PIX_SENT_YES, x->sent);
  CHECK_STR("ok", pix_buf_text(&x->reply));
  exchange_end(x);
  for (int i = 0; i < 20; i++) {
    x = expect(&f, "POST", "{}", i % 2, PIX_OK, PIX_SENT_YES);
    CHECK(x->reused);
    if (i < 19) exchange_end(x);
  }
  CHECK_INT(1, f.server.connections);
  finish(&f, x, tls);
}

static void distrusted(const char *names, const char *ca_file, int max_version) {
  SSL_CTX *tls = tls_server(&ours, names);
  struct fixture f;
  struct pix_exchange *x;

  if (max_version != 0) {
    SSL_CTX_set_security_level(tls, 0);
    SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls, max_version);
  }
  x = talk(&f, tls, ca_file);
  CHECK_INT(PIX_ENETWORK, x->failure);
  CHECK_INT(PIX_SENT_NO, x->sent);
  CHECK_INT(0, x->request_size);
  CHECK(strncmp(x->message, "no TLS connection with 127.0.0.1:", 33) == 0);
  CHECK_INT(0, f.server.requests);
  finish(&f, x, tls);
}

static void another_authority_is_refused(void) {
  distrusted("IP:127.0.0.1", other.file, 0);
}

static void the_systems_authorities_do_not_know_us(void) {
  distrusted("IP:127.0.0.1", NULL, 0);
}

static void another_host_name_is_refused(void) {
  distrusted("IP:127.0.0.2,DNS:api.test", ours.file, 0);
}

static void old_tls_is_refused(void) {
  distrusted("IP:127.0.0.1", ours.file, TLS1_1_VERSION);
}

static void another_pinned_key_is_refused(void) {
  SSL_CTX *tls = tls_server(&ours, "IP:127.0.0.1");
  struct fixture f;
  struct pix_exchange *x;

  fixture_init(&f);
  f.settings.ca_file = ours.file;
  f.settings.pinned_public_key = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  fixture_serve(&f, serve_ok, tls);
  fixture_open(&f);
  x = fixture_run(&f, fixture_exchange(&f, "POST", "{}", true));
  CHECK_INT(PIX_ENETWORK, x->failure);
  CHECK_INT(PIX_SENT_NO, x->sent);
  CHECK_INT(90, x->curl_code);
  finish(&f, x, tls);
}

static void plain_http_at_the_other_end_is_no(void) {
  struct fixture f;
  struct pix_exchange *x;

  fixture_init(&f);
  f.settings.ca_file = ours.file;
  fixture_serve(&f, serve_ok, NULL);
  snprintf(f.base, sizeof f.base, "https://127.0.0.1:%d", f.server.port);
  f.settings.timeout = 1;
  fixture_open(&f);
  x = fixture_run(&f, fixture_exchange(&f, "POST", "{}", true));
  CHECK(x->failure == PIX_ENETWORK || x->failure == PIX_ETIMEOUT);
  CHECK_INT(PIX_SENT_NO, x->sent);
  exchange_end(x);
  fixture_close(&f);
}

static void serve_then_die(struct tcp_conn *conn) {
  if (!tcp_request(conn)) return;
  tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  tcp_request(conn);
}

static void once_holds_over_tls(void) {
  static const char *const bodies[] = {"{\"amount\":1}", NULL};

  for (size_t i = 0; i < PIX_COUNT(bodies); i++) {
    SSL_CTX *tls = tls_server(&ours, "IP:127.0.0.1");
    struct fixture f;
    struct pix_exchange *x;
    fixture_init(&f);
    f.settings.ca_file = ours.file;
    fixture_serve(&f, serve_then_die, tls);
    fixture_open(&f);
    exchange_end(expect(&f, "POST", bodies[i], true, PIX_OK, PIX_SENT_YES));
    x = expect(&f, "POST", bodies[i], true, PIX_ENETWORK, PIX_SENT_MAYBE);
    CHECK_INT(2, f.server.requests);
    finish(&f, x, tls);
  }
}

static void serve_once(struct tcp_conn *conn) {
  if (tcp_request(conn)) tcp_write(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* The server's goodbye is unread bytes on the socket, which libcurl takes for life. */
static void a_create_does_not_take_a_closed_connection(void) {
  SSL_CTX *tls = tls_server(&ours, "IP:127.0.0.1");
  struct fixture f;
  struct pix_exchange *x = NULL;

  fixture_init(&f);
  f.settings.ca_file = ours.file;
  fixture_serve(&f, serve_once, tls);
  fixture_open(&f);
  for (int i = 0; i < 10; i++) {
    x = expect(&f, i % 2 ? "POST" : "DELETE", i % 3 ? "{}" : NULL, true, PIX_OK, PIX_SENT_YES);
    CHECK(!x->resent && !x->reused);
    if (i < 9) exchange_end(x);
    tcp_server_idle(&f.server);
  }
  CHECK_INT(10, f.server.requests);
  finish(&f, x, tls);
}

#define CROWD 200 /* more than one shard holds */

/* Hundreds at once, on connections of their own, and then on those again. */
static void a_crowd_over_tls(void) {
  SSL_CTX *tls = tls_server(&ours, "IP:127.0.0.1");
  struct fixture f;

  fixture_init(&f);
  f.settings.ca_file = ours.file;
  f.settings.max_connections = CROWD;
  f.settings.timeout = f.settings.connect_timeout = FIXTURE_PATIENCE;
  fixture_serve(&f, serve_ok, tls);
  fixture_open(&f);
  exchange_end(expect(&f, "POST", "{}", true, PIX_OK, PIX_SENT_YES)); /* it speaks HTTP/1.1 */
  for (int round = 1; round <= 3; round++) {
    for (int i = 0; i < CROWD; i++)
      pix_reactor_submit(f.reactor, &fixture_exchange(&f, "POST", "{}", true)->op);
    fixture_drain(&f, NULL, CROWD, fixture_answered);
    CHECK_INT(1 + CROWD * round, f.server.requests);
  }
  CHECK(f.server.connections <= CROWD);
  fixture_close(&f);
  SSL_CTX_free(tls);
}

static const struct check_test tests[] = {
    {"a server signed by ca_file is trusted, and kept", the_right_authority_is_fine},
    {"another authority is refused before anything is sent", another_authority_is_refused},
    {"the system's authorities do not know a private one", the_systems_authorities_do_not_know_us},
    {"another host's certificate is refused", another_host_name_is_refused},
    {"TLS 1.1 is refused", old_tls_is_refused},
    {"another key than the pinned one is refused", another_pinned_key_is_refused},
    {"a server that speaks no TLS leaves \"no\"", plain_http_at_the_other_end_is_no},
    {"a once request is received once over TLS", once_holds_over_tls},
    {"hundreds at once over TLS are sent once, each", a_crowd_over_tls},
    {"a create does not take a connection that was closed while idle",
     a_create_does_not_take_a_closed_connection},
};

int main(void) {
  int status;

  tls_authority_init(&ours, "ours");
  tls_authority_init(&other, "other");
  status = check_main(tests, PIX_COUNT(tests));
  tls_authority_fini(&ours);
  tls_authority_fini(&other);
  return status;
}
