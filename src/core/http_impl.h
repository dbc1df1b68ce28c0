/*
** http_impl.h - the inside of a client, for http.c (exchanges), http_carrier.c (libcurl's
** callbacks), http_client.c (what is common to them) and nobody else.
**
** WHO OWNS WHAT. `refs` is atomic. The settings never change after new. The rest belongs to the
** thread of the one reactor that the client is used with; the last unref may touch it too, since an
** exchange holds a reference. In a forked child (`pid` differs) it may be half written: it is
** forgotten there, not freed.
*/
#ifndef PIX_HTTP_IMPL_H
#define PIX_HTTP_IMPL_H

#include <stdatomic.h>

#include "http.h"
#include "loop.h"

/* Why a callback stopped a transfer. */
enum pix_http_stop { PIX_STOP_NONE = 0, PIX_STOP_HEAD, PIX_STOP_BODY, PIX_STOP_MEMORY };

/* How an easy handle is set up at present, so that only differences need be set. */
enum pix_http_mode { PIX_MODE_GET = 0, PIX_MODE_POST };

/* An easy handle with the client's options, and the exchange that it carries now. */
struct pix_carrier {
  struct pix_transfer transfer; /* first */
  struct pix_exchange *exchange;
  struct pix_carrier *next; /* idle */
  enum pix_http_mode mode;
  const char *custom; /* static: the method set beside the mode, or NULL */
  unsigned tries;     /* times libcurl began to send the request */
  long before;        /* bytes sent before the request itself: a proxy's CONNECT */
  size_t head_size;   /* header bytes received */
  bool head_done;     /* the blank line after the header came */
  bool fresh;         /* set up to use no kept connection */
  bool gone;          /* stopped before it was sent: the server has closed the connection */
  int opened;         /* the last socket that libcurl asked for, or -1 */
  enum pix_http_stop stop;
  char words[CURL_ERROR_SIZE];
};

struct pix_http_headers {
  atomic_uint refs;
  struct curl_slist *list;       /* one block per line, the text behind the node */
  struct curl_slist *last;       /* of our own */
  struct pix_http_headers *rest; /* one reference: its lines follow ours; NULL = none do */
  size_t size;                   /* bytes of all lines */
};

struct pix_http_client {
  atomic_uint refs;

  /* Settings; strings are owned, NULL if absent. */
  char *origin; /* "https://host:port", as base_url spells it */
  size_t origin_len;
  CURLU *url; /* the origin, parsed: only a request's target differs. NULL: see set_address */
  char *host; /* for messages: "host:port" */
  char *ca_file;
  char *pinned_public_key;
  char *proxy;
  bool tls;
  double timeout;
  double connect_timeout;
  size_t max_response;
  long max_connections;
  struct pix_http_headers *no_headers; /* for exchanges without */

  /* The owner's thread. */
  struct pix_exchange *spare; /* freed ones, to be used again, through queue_next */
  unsigned spares;

  /* The reactor's thread. */
  pid_t pid; /* 0: not used yet */
  struct pix_carrier *idle;
  int *sockets;                            /* over TLS: by local port, plus 1; NULL: unknown */
  bool multiplexes;                        /* the server speaks HTTP/2 */
  bool one_by_one;                         /* it speaks HTTP/1; neither: not yet known */
  long active;                             /* exchanges under way */
  struct pix_exchange *queue, *queue_last; /* the others, oldest first */
};

/* An idle easy handle, or a new one with the client's options; NULL: out of memory. */
struct pix_carrier *pix_carrier_take(struct pix_http_client *client);
void pix_carrier_put(struct pix_http_client *client, struct pix_carrier *carrier);
void pix_carrier_free(struct pix_carrier *carrier);

/* The spare exchanges of a client that ends (http.c). */
void pix_exchange_free_spares(struct pix_http_client *client);

/* libcurl's callbacks (http_carrier.c); the last argument is the carrier. */
size_t pix_carrier_head(char *data, size_t size, size_t count, void *carrier);
size_t pix_carrier_body(char *data, size_t size, size_t count, void *carrier);
curl_socket_t pix_carrier_socket(void *carrier, curlsocktype purpose,
                                 struct curl_sockaddr *address);
int pix_carrier_begin(void *carrier, char *ip, char *local_ip, int port, int local_port);

#endif
