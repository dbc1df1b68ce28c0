/*
** http.c - one exchange from queue to answer; see http.h. What exchanges share is in http_client.c,
** what libcurl calls during one in http_carrier.c.
**
** DESIGN: what `sent` rests on.
** 1. CURLINFO_REQUEST_SIZE counts the bytes of the request's header that libcurl has written, over
**    all its tries. 0 is the proof that nothing left: refused, unresolved, TLS failed, never begun.
**    A proxy's CONNECT is counted too, but is not the request: what was counted before libcurl
**    first began to send (CURLOPT_PREREQFUNCTION) is subtracted. Over HTTP/2 the count says that
**    the header went into the connection's buffer: "maybe", the safe side.
** 2. libcurl repeats a request by itself when a kept-alive connection dies without a byte of an
**    answer, or when HTTP/2 refuses a stream. For reads that is welcome. For a `once` request the
**    pre-request function refuses every further try after bytes have left: libcurl passes it in
**    MSTATE_DO, the only way from a connection to the sending of a request, whatever led there.
** 3. Only a whole answer is "yes". A cut header is caught by its missing blank line, since libcurl
**    alone would call it a success.
** 4. A kept connection that its server has closed meanwhile is noticed before anything is sent on
**    it: by libcurl over plain HTTP; by us over TLS, where it takes the goodbye (close_notify) for
**    a sign of life. The exchange then goes out on a new connection, in the same time-out. So does
**    a read, once, when libcurl has given up after kept connections that died without an answer.
**
** An exchange belongs to the reactor's thread from start to finish; nothing here locks. At most
** max_connections exchanges of a client are under way, the others wait in its queue, oldest first.
** The total time-out is a moment in the reactor's heap and covers both; libcurl knows only the
** connect time-out. Every way out ends in `conclude`.
*/
#include "http_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

#define OWN_LINES 60 /* bytes of the header lines that libcurl adds itself, about */

/* Of a client; none where a sanitizer is to see each exchange end. */
#ifdef __SANITIZE_ADDRESS__
#define MOST_SPARE 0
#else
#define MOST_SPARE 64
#endif
#define SPARE_REPLY 4096 /* bytes of a reply's buffer that is kept */

enum pix_sent pix_http_sent(int curl_code, long request_size, long status) {
  if (request_size == 0) return PIX_SENT_NO;
  return curl_code == CURLE_OK && status > 0 ? PIX_SENT_YES : PIX_SENT_MAYBE;
}

/* ---- what a failure is called ---- */

enum pix_kind pix_http_kind(int curl_code) {
  switch (curl_code) {
  case CURLE_OK: return PIX_OK;
  case CURLE_OPERATION_TIMEDOUT: return PIX_ETIMEOUT;
  case CURLE_OUT_OF_MEMORY:
  case CURLE_FAILED_INIT:
  case CURLE_BAD_FUNCTION_ARGUMENT: return PIX_EINTERNAL;
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_URL_MALFORMAT: return PIX_ECONFIG;
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING:
  case CURLE_WRITE_ERROR:
  case CURLE_UNSUPPORTED_PROTOCOL: return PIX_EPROTOCOL;
  default: return PIX_ENETWORK;
  }
}

static void say(struct pix_exchange *exchange, const char *what, const char *detail) {
  char text[2 * sizeof exchange->message];
  bool has = detail != NULL && detail[0] != '\0';
  int len = snprintf(text, sizeof text, "%s%s%s%s", what, has ? " (" : "", has ? detail : "",
                     has ? ")" : "");

  if (len < 0) return;
  if ((size_t)len >= sizeof text) len = sizeof text - 1;
  pix_err_copy(exchange->message, sizeof exchange->message, text, (size_t)len);
}

static void say_host(struct pix_exchange *exchange, const char *what, const char *detail) {
  char text[sizeof exchange->message];
  int len = snprintf(text, sizeof text, "%s %s", what, exchange->client->host);

  if (len > 0) say(exchange, text, detail);
}

/* strerror_r in either of its two forms is awkward; these are what a connect ends with. */
static const char *connect_reason(CURL *easy) {
  static const struct {
    long number;
    const char *words;
  } reasons[] = {
      {ECONNREFUSED, "connection refused"}, {ETIMEDOUT, "timed out"},
      {EHOSTUNREACH, "host unreachable"},   {ENETUNREACH, "network unreachable"},
      {ECONNRESET, "connection reset"},     {EMFILE, "too many open files"},
      {ENFILE, "too many open files"},      {EADDRNOTAVAIL, "no local port or address is free"},
  };
  const char *words = "";
  long number = 0;

  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
  for (size_t i = 0; i < PIX_COUNT(reasons); i++)
    if (reasons[i].number == number) words = reasons[i].words;
  return words;
}

static bool about_tls(CURLcode code) {
  switch (code) {
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR: return true;
  default: return false;
  }
}

/* libcurl's own words are used only where they speak of the connection: later ones may quote what
** was sent or received. */
static void explain(struct pix_exchange *exchange, struct pix_carrier *carrier, CURLcode code) {
  const char *words = carrier->words;

  if (about_tls(code)) {
    say_host(exchange, "no TLS connection with", words[0] ? words : curl_easy_strerror(code));
    return;
  }
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST: say_host(exchange, "could not find the address of", ""); break;
  case CURLE_COULDNT_RESOLVE_PROXY: say(exchange, "could not find the proxy's address", ""); break;
  case CURLE_PROXY: say(exchange, "the proxy refused or failed", ""); break;
  case CURLE_COULDNT_CONNECT:
    say_host(exchange, "could not connect to", connect_reason(carrier->transfer.easy));
    break;
  case CURLE_OPERATION_TIMEDOUT: say_host(exchange, "no connection in time with", ""); break;
  case CURLE_GOT_NOTHING: say_host(exchange, "connection closed without an answer by", ""); break;
  case CURLE_PARTIAL_FILE: say_host(exchange, "answer cut short by", ""); break;
  case CURLE_ABORTED_BY_CALLBACK:
    say_host(exchange, "connection lost, and the request is not sent twice, to", "");
    break;
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
    say_host(exchange, "connection lost with", curl_easy_strerror(code));
    break;
  default: say_host(exchange, "exchange failed with", curl_easy_strerror(code)); break;
  }
}

static void explain_stop(struct pix_exchange *exchange, enum pix_http_stop stop) {
  exchange->failure = stop == PIX_STOP_MEMORY ? PIX_EINTERNAL : PIX_EPROTOCOL;
  if (stop == PIX_STOP_MEMORY) say(exchange, "out of memory for the answer", "");
  if (stop == PIX_STOP_HEAD) say(exchange, "the answer's header is too large", "");
  if (stop == PIX_STOP_BODY) say(exchange, "the answer is larger than max_response", "");
}

/* ---- the end of an exchange ---- */

static long version_of(CURL *easy) {
  long version = 0;

  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  switch (version) {
  case CURL_HTTP_VERSION_1_0: return 10;
  case CURL_HTTP_VERSION_1_1: return 11;
  case CURL_HTTP_VERSION_2_0: return 20;
  default: return 0;
  }
}

/* About one request's bytes as libcurl counts them: the header, and the body if it goes with it. */
static long expected_size(const struct pix_exchange *exchange, const struct pix_carrier *carrier) {
  const struct pix_http_client *client = exchange->client;
  const struct pix_http_headers *headers =
      exchange->headers != NULL ? exchange->headers : client->no_headers;
  size_t size = exchange->url.len + headers->size + OWN_LINES;

  if (carrier->mode == PIX_MODE_POST) size += exchange->body.len;
  return (long)size;
}

static void account(struct pix_exchange *exchange, struct pix_carrier *carrier) {
  CURL *easy = carrier->transfer.easy;
  long connects = 0;

  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &exchange->status);
  curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &exchange->request_size);
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  exchange->request_size = carrier->tries > 0 ? exchange->request_size - carrier->before : 0;
  exchange->http_version = (int)version_of(easy);
  exchange->reused = connects == 0 && carrier->tries > 0;
  exchange->request_size += exchange->lost_size;
  exchange->resent = exchange->request_size * 2 > expected_size(exchange, carrier) * 3;
  if (exchange->http_version == 20) exchange->client->multiplexes = true;
  if (exchange->http_version > 0) exchange->client->one_by_one = !exchange->client->multiplexes;
}

/* From here on the exchange is the owner's. */
static void conclude(struct pix_reactor *reactor, struct pix_exchange *exchange) {
  pix_loop_forget(reactor, &exchange->heap_at);
  pix_reactor_finish(reactor, &exchange->op);
}

static void refuse(struct pix_reactor *reactor, struct pix_exchange *exchange, enum pix_kind kind,
                   const char *words) {
  exchange->failure = kind;
  exchange->sent = PIX_SENT_NO;
  say(exchange, words, "");
  conclude(reactor, exchange);
}

/* Takes the exchange out of libcurl. libcurl counts the retries of an easy handle over all its
** transfers and gives up at the sixth: a handle goes back to the pool only after a transfer that
** went well at the first try. */
static void detach(struct pix_reactor *reactor, struct pix_exchange *exchange, CURLcode code) {
  struct pix_carrier *carrier = exchange->carrier;

  pix_loop_remove(reactor, &carrier->transfer);
  exchange->carrier = NULL;
  exchange->client->active--;
  if (code == CURLE_OK && carrier->tries == 1)
    pix_carrier_put(exchange->client, carrier);
  else
    pix_carrier_free(carrier);
}

static void judge(struct pix_exchange *exchange, struct pix_carrier *carrier, CURLcode code) {
  exchange->curl_code = (int)code;
  exchange->failure = pix_http_kind(code);
  if (carrier->stop != PIX_STOP_NONE) {
    explain_stop(exchange, carrier->stop);
  } else if (code != CURLE_OK) {
    explain(exchange, carrier, code);
  } else if (!carrier->head_done) {
    exchange->failure = PIX_ENETWORK;
    say_host(exchange, "answer cut short by", "");
  } else {
    exchange->message[0] = '\0';
  }
  exchange->sent = pix_http_sent((int)code, exchange->request_size, exchange->status);
  if (exchange->failure != PIX_OK && exchange->sent == PIX_SENT_YES)
    exchange->sent = PIX_SENT_MAYBE;
}

/* ---- the queue of a client ---- */

static void enqueue(struct pix_exchange *exchange) {
  struct pix_http_client *client = exchange->client;

  exchange->queued = true;
  exchange->queue_next = NULL;
  exchange->queue_prev = client->queue_last;
  if (client->queue_last != NULL)
    client->queue_last->queue_next = exchange;
  else
    client->queue = exchange;
  client->queue_last = exchange;
}

static void dequeue(struct pix_exchange *exchange) {
  struct pix_http_client *client = exchange->client;

  if (exchange->queue_prev != NULL)
    exchange->queue_prev->queue_next = exchange->queue_next;
  else
    client->queue = exchange->queue_next;
  if (exchange->queue_next != NULL)
    exchange->queue_next->queue_prev = exchange->queue_prev;
  else
    client->queue_last = exchange->queue_prev;
  exchange->queue_next = exchange->queue_prev = NULL;
  exchange->queued = false;
}

/* ---- the start of an exchange ---- */

/* Headers, among them the token, go to the host that the client was made for and to no other. */
static bool url_is_ours(const struct pix_exchange *exchange) {
  const struct pix_http_client *client = exchange->client;
  const struct pix_buf *url = &exchange->url;

  if (url->failed || url->len > PIX_MAX_URL || url->len < client->origin_len) return false;
  if (memcmp(url->data, client->origin, client->origin_len) != 0) return false;
  if (url->data[client->origin_len] != '/') return false;
  return pix_text_plain(url->data, url->len) == url->len &&
         memchr(url->data, ' ', url->len) == NULL && memchr(url->data, '\\', url->len) == NULL &&
         memchr(url->data, '#', url->len) == NULL;
}

/* Where it goes: the host is the client's, see parse_origin. */
static bool set_address(const struct pix_exchange *exchange, CURL *easy) {
  const struct pix_http_client *client = exchange->client;
  const char *url = pix_buf_text(&exchange->url);

  if (client->url == NULL) return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
  return curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, url + client->origin_len) == CURLE_OK;
}

/* Sets what differs from the carrier's last exchange. libcurl keeps POSTFIELDS as a pointer. */
static bool set_body(const struct pix_exchange *exchange, struct pix_carrier *carrier) {
  bool post = exchange->body.len > 0 || strcmp(exchange->method, "POST") == 0;
  const char *usual = post ? "POST" : "GET";
  const char *custom = strcmp(exchange->method, usual) == 0 ? NULL : exchange->method;
  CURL *easy = carrier->transfer.easy;

  if (post) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, pix_buf_text(&exchange->body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)exchange->body.len);
  } else if (carrier->mode != PIX_MODE_GET) {
    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
  }
  carrier->mode = post ? PIX_MODE_POST : PIX_MODE_GET;
  if (custom == carrier->custom) return true;
  carrier->custom = custom;
  return curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, custom) == CURLE_OK;
}

static bool load(struct pix_exchange *exchange, struct pix_carrier *carrier) {
  const struct pix_http_headers *headers =
      exchange->headers != NULL ? exchange->headers : exchange->client->no_headers;
  CURL *easy = carrier->transfer.easy;

  carrier->exchange = exchange;
  carrier->tries = 0;
  carrier->before = 0;
  carrier->head_size = 0;
  carrier->head_done = false;
  carrier->stop = PIX_STOP_NONE;
  carrier->words[0] = '\0';
  carrier->opened = -1;
  carrier->gone = false;
  if (!set_address(exchange, easy)) return false;
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers->list);
  if (exchange->fresh != carrier->fresh)
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, exchange->fresh ? 1L : 0L);
  carrier->fresh = exchange->fresh;
  return set_body(exchange, carrier);
}

static void exchange_done(struct pix_reactor *reactor, struct pix_transfer *transfer,
                          CURLcode code);

static void launch(struct pix_reactor *reactor, struct pix_exchange *exchange) {
  struct pix_http_client *client = exchange->client;
  struct pix_carrier *carrier = pix_carrier_take(client);

  if (carrier == NULL) {
    refuse(reactor, exchange, PIX_EINTERNAL, "out of memory");
    return;
  }
  carrier->transfer.done = exchange_done;
  if (!load(exchange, carrier) ||
      pix_loop_add(reactor, &carrier->transfer, client->one_by_one) != CURLM_OK) {
    pix_carrier_free(carrier); /* uncovered: libcurl without memory */
    refuse(reactor, exchange, PIX_EINTERNAL, "libcurl cannot take the exchange");
    return;
  }
  exchange->carrier = carrier;
  client->active++;
}

static void refill(struct pix_reactor *reactor, struct pix_http_client *client) {
  while (client->queue != NULL && client->active < client->max_connections &&
         !pix_loop_stopping(reactor)) {
    struct pix_exchange *exchange = client->queue;
    dequeue(exchange);
    launch(reactor, exchange);
  }
}

/* Kept connections turned out to be dead: before anything was sent, or, to a read, without a byte
** of an answer. Then it may go out on a new one. */
static bool only_dead_ends(const struct pix_exchange *exchange, const struct pix_carrier *carrier) {
  if (exchange->fresh) return false;
  if (carrier->gone) return !exchange->once || exchange->request_size == 0;
  return !exchange->once && exchange->failure == PIX_ENETWORK && exchange->reused &&
         carrier->head_size == 0;
}

static void relaunch(struct pix_reactor *reactor, struct pix_exchange *exchange) {
  exchange->fresh = true;
  exchange->lost_size = exchange->request_size;
  exchange->message[0] = '\0';
  launch(reactor, exchange);
}

static void exchange_done(struct pix_reactor *reactor, struct pix_transfer *transfer,
                          CURLcode code) {
  struct pix_carrier *carrier = (struct pix_carrier *)transfer;
  struct pix_exchange *exchange = carrier->exchange;
  struct pix_http_client *client = exchange->client;
  bool again;

  account(exchange, carrier);
  judge(exchange, carrier, code);
  again = only_dead_ends(exchange, carrier);
  detach(reactor, exchange, code);
  if (again) {
    relaunch(reactor, exchange);
    return;
  }
  conclude(reactor, exchange);
  refill(reactor, client);
}

/* Ends it before its time, wherever it is; never started is fine too. */
static void give_up(struct pix_reactor *reactor, struct pix_exchange *exchange, enum pix_kind kind,
                    CURLcode code) {
  struct pix_http_client *client = exchange->client;

  if (exchange->queued) dequeue(exchange);
  if (exchange->carrier != NULL) {
    account(exchange, exchange->carrier);
    detach(reactor, exchange, code);
  }
  exchange->failure = kind;
  exchange->curl_code = (int)code;
  exchange->sent = pix_http_sent((int)code, exchange->request_size, 0);
  conclude(reactor, exchange);
  refill(reactor, client);
}

static double patience(const struct pix_exchange *exchange) {
  return exchange->timeout > 0 ? exchange->timeout : exchange->client->timeout;
}

static void exchange_due(void *reactor, void *item) {
  struct pix_exchange *exchange = item;
  char detail[48];

  snprintf(detail, sizeof detail, "time-out of %g s", patience(exchange));
  if (exchange->queued)
    say_host(exchange, "no connection became free to", detail);
  else
    say_host(exchange, "no answer from", detail);
  give_up(reactor, exchange, PIX_ETIMEOUT, CURLE_OPERATION_TIMEDOUT);
}

static void exchange_abort(struct pix_reactor *reactor, struct pix_op *op) {
  struct pix_exchange *exchange = (struct pix_exchange *)op;

  op->cancelled = true;
  say(exchange, "cancelled", "");
  give_up(reactor, exchange, PIX_ECANCELLED, CURLE_ABORTED_BY_CALLBACK);
}

/* A client that came along through a fork: what the parent's thread did with it is not ours. */
static void adopt(struct pix_reactor *reactor, struct pix_http_client *client) {
  if (client->pid == pix_loop_pid(reactor)) return;
  client->pid = pix_loop_pid(reactor);
  client->idle = NULL;
  client->sockets = client->tls ? calloc(UINT16_MAX + 1, sizeof *client->sockets) : NULL;
  client->active = 0;
  client->queue = client->queue_last = NULL;
}

static void exchange_start(struct pix_reactor *reactor, struct pix_op *op) {
  struct pix_exchange *exchange = (struct pix_exchange *)op;
  struct pix_http_client *client = exchange->client;

  adopt(reactor, client);
  if (!url_is_ours(exchange)) {
    refuse(reactor, exchange, PIX_EINVALID, "the URL is malformed or not under base_url");
  } else if (exchange->body.failed) {
    refuse(reactor, exchange, PIX_EINVALID, "the request's body is too large");
  } else if (!pix_loop_after(reactor, patience(exchange), &exchange->heap_at, exchange,
                             exchange_due)) {
    refuse(reactor, exchange, PIX_EINTERNAL, "out of memory");
  } else if (client->active < client->max_connections && client->queue == NULL) {
    launch(reactor, exchange);
  } else {
    enqueue(exchange);
  }
}

/* An exchange is made on one thread, and its reply on another: to malloc that is the slow way each
** time, so a few are kept with what their replies took. */
static void park(struct pix_exchange *exchange) {
  struct pix_http_client *client = exchange->client;

  exchange->queue_next = client->spare;
  client->spare = exchange;
  client->spares++;
}

static struct pix_exchange *unpark(struct pix_http_client *client) {
  struct pix_exchange *exchange = client->spare;
  struct pix_buf reply;

  if (exchange == NULL) return NULL;
  client->spare = exchange->queue_next;
  client->spares--;
  reply = exchange->reply;
  memset(exchange, 0, sizeof *exchange);
  exchange->reply = reply;
  pix_buf_clear(&exchange->reply);
  return exchange;
}

void pix_exchange_free_spares(struct pix_http_client *client) {
  while (client->spare != NULL) {
    struct pix_exchange *exchange = client->spare;
    client->spare = exchange->queue_next;
    pix_buf_fini(&exchange->reply);
    free(exchange);
  }
}

static void exchange_free(struct pix_op *op) {
  struct pix_exchange *exchange = (struct pix_exchange *)op;
  struct pix_http_client *client = exchange->client;

  pix_buf_fini(&exchange->url);
  pix_buf_fini(&exchange->body);
  pix_http_headers_unref(exchange->headers);
  if (client->spares + 1 <= MOST_SPARE && exchange->reply.cap <= SPARE_REPLY) {
    park(exchange);
  } else {
    pix_buf_fini(&exchange->reply);
    free(exchange);
  }
  pix_http_client_unref(client);
}

struct pix_exchange *pix_exchange_new(struct pix_http_client *client) {
  static const struct pix_op_verbs verbs = {
      .start = exchange_start, .abort = exchange_abort, .free = exchange_free, .exchange = true};
  struct pix_exchange *exchange = unpark(client);

  if (exchange == NULL) {
    exchange = calloc(1, sizeof *exchange);
    if (exchange == NULL) return NULL;
    pix_buf_init(&exchange->reply, client->max_response);
  }
  exchange->op.verbs = &verbs;
  exchange->client = pix_http_client_ref(client);
  exchange->method = "GET";
  exchange->failure = PIX_EINTERNAL; /* until something is known */
  pix_buf_init(&exchange->url, PIX_MAX_URL);
  pix_buf_init(&exchange->body, PIX_MAX_REQUEST);
  return exchange;
}

/* ---- answers without a network ---- */

void pix_exchange_answer(struct pix_exchange *exchange, long status, const char *body, size_t len) {
  pix_buf_clear(&exchange->reply);
  pix_buf_add(&exchange->reply, body, len);
  exchange->status = status;
  exchange->http_version = 11;
  exchange->failure = PIX_OK;
  exchange->sent = PIX_SENT_YES;
  exchange->message[0] = '\0';
  if (!exchange->reply.failed) return;
  exchange->failure = PIX_EPROTOCOL;
  exchange->sent = PIX_SENT_MAYBE;
  say(exchange, "the answer is larger than max_response", "");
}

void pix_exchange_fail(struct pix_exchange *exchange, enum pix_kind kind, enum pix_sent sent,
                       const char *message) {
  exchange->failure = kind;
  exchange->sent = sent == PIX_SENT_YES ? PIX_SENT_MAYBE : sent;
  say(exchange, message, "");
}
