/*
** http.h - HTTP exchanges on the reactor through libcurl. One *client* holds what is common to a
** provider (TLS, proxy, limits, a pool of easy handles); one *exchange* is a request and what came
** of it. Nothing here knows JSON or providers.
**
** What `sent` means and how it is found out is the reason for this file: see the top of http.c.
*/
#ifndef PIX_HTTP_H
#define PIX_HTTP_H

#include "buf.h"
#include "err.h"
#include "reactor.h"

struct pix_http_client;
struct pix_http_headers;

struct pix_http_settings {
  const char *base_url;          /* checked: https, or http to loopback, or allow_http */
  const char *ca_file;           /* PEM; NULL = the system's */
  const char *pinned_public_key; /* libcurl's syntax "sha256//…"; NULL = none */
  const char *proxy;             /* NULL = none: the environment's proxies are not used */
  bool allow_http;
  double timeout;         /* seconds for the whole exchange, waiting in our queue included */
  double connect_timeout; /* seconds: DNS, TCP and TLS handshake */
  size_t max_response;    /* bytes of a reply's body after decompression */
  long max_connections;   /* requests to this provider under way at once; the others queue here */
};

/* Copies the settings. PIX_ECONFIG names the setting ("base_url", "ca_file", …). */
int pix_http_client_new(const struct pix_http_settings *settings, struct pix_http_client **out,
                        struct pix_err *err);
struct pix_http_client *pix_http_client_ref(struct pix_http_client *client);
void pix_http_client_unref(struct pix_http_client *client); /* any thread; wipes what is secret */

/* A list of header lines, built once per token and shared by many exchanges; wiped when the last
** reference goes. Immutable once shared. add: PIX_EINVALID for CR, LF, NUL or too long; the value
** is never quoted in the message. */
struct pix_http_headers *pix_http_headers_new(bool long_answer); /* true: ask for compression */
int pix_http_headers_add(struct pix_http_headers *headers, const char *name, const char *value,
                         struct pix_err *err);
/* Those lines and one more, for a single exchange; `headers` stays the caller's. NULL: as add. */
struct pix_http_headers *pix_http_headers_with(struct pix_http_headers *headers, const char *name,
                                               const char *value, struct pix_err *err);
/* The line at `at`, "Name: value", or NULL past the end; borrowed. For scripted transports. */
const char *pix_http_headers_at(const struct pix_http_headers *headers, size_t at);
struct pix_http_headers *pix_http_headers_ref(struct pix_http_headers *headers);
void pix_http_headers_unref(struct pix_http_headers *headers);

struct pix_exchange {
  struct pix_op op; /* first: an exchange is an op */

  /* The request: filled in by the owner before submit. */
  struct pix_http_client *client;   /* one reference, owned */
  struct pix_http_headers *headers; /* one reference, owned; may be NULL */
  const char *method;               /* static: "GET", "POST", "DELETE" */
  struct pix_buf url;               /* whole URL */
  struct pix_buf body;              /* empty = no body; mark secret if it holds a card */
  bool once;                        /* create, settle, capture: the bytes may leave once only */
  double timeout;                   /* seconds; 0 = the client's */

  /* The reply: valid after drain. */
  enum pix_kind
      failure;        /* PIX_OK: a whole answer came; else NETWORK TIMEOUT PROTOCOL CANCELLED … */
  enum pix_sent sent; /* YES only if failure is PIX_OK; a codec may lower it to MAYBE */
  long status;        /* HTTP status; may be set beside a failure */
  struct pix_buf reply; /* body, decompressed, at most max_response bytes */
  char content_type[96];
  char retry_after[64]; /* the header as it came, "" if none */
  char message[256];    /* words for a failure: libcurl's, without secrets */
  int curl_code;        /* CURLcode; 0 = fine */
  long request_size;    /* bytes of the request that left (CURLINFO_REQUEST_SIZE) */
  bool resent;          /* the detector: more left than one request's size */
  int http_version;     /* 10, 11, 20; 0 unknown */
  bool reused;          /* on a kept-alive connection */

  /* http.c's own. */
  void *carrier; /* while under way: see http_impl.h */
  bool queued;   /* in the client's queue, linked by the two below */
  struct pix_exchange *queue_next, *queue_prev;
  bool fresh;     /* on a new connection: those that were kept turned out to be dead */
  long lost_size; /* bytes that left on those */
  size_t heap_at; /* place in the reactor's heap of deadlines */
};

/* A fresh exchange that holds a reference to client; NULL: out of memory. Freed by op.verbs->free.
 */
struct pix_exchange *pix_exchange_new(struct pix_http_client *client);

/* The decision itself, pure: what became of the request, from libcurl's account of it. */
enum pix_sent pix_http_sent(int curl_code, long request_size, long status);
enum pix_kind pix_http_kind(int curl_code); /* and what the failure is called */

/* What an owner calls when a test answers in libcurl's place (virtual reactor). */
void pix_exchange_answer(struct pix_exchange *exchange, long status, const char *body, size_t len);
void pix_exchange_fail(struct pix_exchange *exchange, enum pix_kind kind, enum pix_sent sent,
                       const char *message);

#endif
