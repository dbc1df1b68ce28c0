/*
** http_client.c - what the exchanges with one provider have in common: checked settings, header
** lines, a pool of easy handles; see http.h and http_impl.h.
*/
#include "http_impl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <openssl/crypto.h>

#define MAX_CONNECTIONS 65536
#define ENCODINGS       "gzip"

/* ---- header lines ---- */

static bool token(const char *name) {
  size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "!#$%&'*+-.^_`|~");

  return len > 0 && name[len] == '\0';
}

static bool printable(const char *value) {
  for (const unsigned char *at = (const unsigned char *)value; *at != '\0'; at++) {
    if ((*at < 0x20 && *at != '\t') || *at == 0x7f) return false;
  }
  return true;
}

/* libcurl's list node and its line in one block. "Accept-Encoding:" is libcurl's way to leave out a
** header that it would write by itself, "Name;" its way to send one without a value. */
static struct curl_slist *node_new(const char *name, const char *value) {
  size_t name_len = strlen(name), value_len = strlen(value);
  const char *mark = value_len > 0 ? ": " : strcmp(name, "Accept-Encoding") == 0 ? ":" : ";";
  struct curl_slist *node = malloc(sizeof *node + name_len + value_len + 3);

  if (node == NULL) return NULL;
  node->next = NULL;
  node->data = (char *)(node + 1);
  memcpy(node->data, name, name_len);
  memcpy(node->data + name_len, mark, strlen(mark));
  memcpy(node->data + name_len + strlen(mark), value, value_len + 1);
  return node;
}

int pix_http_headers_add(struct pix_http_headers *headers, const char *name, const char *value,
                         struct pix_err *err) {
  struct curl_slist *node;

  if (!token(name))
    return pix_err_set(err, PIX_EINVALID, NULL, "a header's name has a character it may not have");
  if (!printable(value))
    return pix_err_set(err, PIX_EINVALID, name, "a header's value has a control character");
  if (strlen(name) + strlen(value) + 2 > PIX_MAX_HEADER)
    return pix_err_set(err, PIX_EINVALID, name, "a header line is longer than %d bytes",
                       PIX_MAX_HEADER);
  node = node_new(name, value);
  if (node == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  if (headers->last == NULL)
    headers->list = node;
  else
    headers->last->next = node;
  headers->last = node;
  headers->size += strlen(node->data) + 2;
  return PIX_OK;
}

/* libcurl asks for "100 Continue" only before a body of a megabyte: it would put a pause between
** header and body, and a body into doubt. */
_Static_assert(PIX_MAX_REQUEST < 1024 * 1024, "no request asks before it sends its body");

/* The lines that every request has. libcurl would write them anew for each, letter by letter; given
** as lines they cost half of it. An answer of a few hundred bytes is not worth asking for
** compression; one that comes compressed all the same is read. */
static bool add_own_lines(struct pix_http_headers *headers, bool long_answer) {
  const char *encodings = long_answer ? ENCODINGS : "";

  return pix_http_headers_add(headers, "User-Agent", "luapix/" PIX_VERSION, NULL) == PIX_OK &&
         pix_http_headers_add(headers, "Accept-Encoding", encodings, NULL) == PIX_OK;
}

struct pix_http_headers *pix_http_headers_new(bool long_answer) {
  struct pix_http_headers *headers = calloc(1, sizeof *headers);

  if (headers == NULL) return NULL;
  atomic_init(&headers->refs, 1);
  if (add_own_lines(headers, long_answer)) return headers;
  pix_http_headers_unref(headers);
  return NULL;
}

struct pix_http_headers *pix_http_headers_with(struct pix_http_headers *headers, const char *name,
                                               const char *value, struct pix_err *err) {
  struct pix_http_headers *with = calloc(1, sizeof *with);

  if (with == NULL) {
    pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
    return NULL;
  }
  atomic_init(&with->refs, 1);
  if (pix_http_headers_add(with, name, value, err) != PIX_OK) {
    pix_http_headers_unref(with);
    return NULL;
  }
  with->rest = pix_http_headers_ref(headers);
  with->last->next = headers->list;
  with->size += headers->size;
  return with;
}

const char *pix_http_headers_at(const struct pix_http_headers *headers, size_t at) {
  const struct curl_slist *node = headers->list;

  while (node != NULL && at > 0) {
    node = node->next;
    at--;
  }
  return node != NULL ? node->data : NULL;
}

struct pix_http_headers *pix_http_headers_ref(struct pix_http_headers *headers) {
  if (headers != NULL) atomic_fetch_add_explicit(&headers->refs, 1, memory_order_relaxed);
  return headers;
}

void pix_http_headers_unref(struct pix_http_headers *headers) {
  if (headers == NULL) return;
  if (atomic_fetch_sub_explicit(&headers->refs, 1, memory_order_acq_rel) != 1) return;
  if (headers->last != NULL) headers->last->next = NULL;
  pix_http_headers_unref(headers->rest);
  for (struct curl_slist *node = headers->list; node != NULL;) {
    struct curl_slist *next = node->next;
    OPENSSL_cleanse(node->data, strlen(node->data));
    free(node);
    node = next;
  }
  free(headers);
}

/* ---- settings ---- */

static bool loopback(const char *host) {
  struct in_addr four;

  if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
  return inet_pton(AF_INET, host, &four) == 1 && (ntohl(four.s_addr) >> 24) == 127;
}

/* Visible ASCII only: what else a URL may hold arrives percent-encoded. */
static bool plain_url(const char *url) {
  for (const unsigned char *at = (const unsigned char *)url; *at != '\0'; at++) {
    if (*at <= 0x20 || *at >= 0x7f || *at == '\\') return false;
  }
  return true;
}

static bool url_has(CURLU *url, CURLUPart part) {
  char *text = NULL;
  bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

  curl_free(text);
  return has;
}

/* libcurl would parse and compose the URL of every exchange anew, at a fifth of what it costs. So
** it is given the origin once, parsed, and then only the target. Not through a proxy without a
** tunnel: there the target is the whole URL, and libcurl's to compose. */
static bool parse_origin(struct pix_http_client *client, const struct pix_http_settings *settings) {
  if (settings->proxy != NULL && !client->tls) return true;
  client->url = curl_url();
  return client->url != NULL &&
         curl_url_set(client->url, CURLUPART_URL, client->origin, 0) == CURLUE_OK;
}

/* client->origin is base_url up to its path, byte for byte: what every URL must begin with. */
static int set_origin(struct pix_http_client *client, const char *base_url, const char *host,
                      const char *port, struct pix_err *err) {
  const char *scheme = client->tls ? "https://" : "http://";
  size_t start = strlen(scheme), room = strlen(host) + strlen(port) + 2;

  if (strncasecmp(base_url, scheme, start) != 0 || base_url[start] == '/')
    return pix_err_set(err, PIX_ECONFIG, "base_url", "it must begin with %shost", scheme);
  client->origin_len = start + strcspn(base_url + start, "/");
  client->origin = strndup(base_url, client->origin_len);
  client->host = malloc(room);
  if (client->origin == NULL || client->host == NULL)
    return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  snprintf(client->host, room, "%s:%s", host, port);
  return PIX_OK;
}

static int check_scheme(const struct pix_http_settings *settings, const char *scheme,
                        const char *host, struct pix_err *err) {
  bool http = strcmp(scheme, "http") == 0;

  if (!http && strcmp(scheme, "https") != 0)
    return pix_err_set(err, PIX_ECONFIG, "base_url", "the scheme must be https");
  if (!http || settings->allow_http || loopback(host)) return PIX_OK;
  pix_err_set(err, PIX_ECONFIG, "base_url", "http would send credentials unencrypted");
  return pix_err_hint(err, "use https; or set allow_http = true if the network is your own");
}

static int check_url_parts(struct pix_http_client *client, const char *base_url, CURLU *url,
                           const struct pix_http_settings *settings, struct pix_err *err) {
  char *scheme = NULL, *host = NULL, *port = NULL;
  int kind;

  if (url_has(url, CURLUPART_QUERY) || url_has(url, CURLUPART_FRAGMENT))
    return pix_err_set(err, PIX_ECONFIG, "base_url", "it must have no query and no fragment");
  if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
      curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    kind = pix_err_set(err, PIX_ECONFIG, "base_url", "it is not a URL of a web server");
  } else {
    kind = check_scheme(settings, scheme, host, err);
    client->tls = strcmp(scheme, "https") == 0;
    client->one_by_one = !client->tls;
  }
  if (kind == PIX_OK) kind = set_origin(client, base_url, host, port, err);
  if (kind == PIX_OK && !parse_origin(client, settings))
    kind = pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  curl_free(scheme);
  curl_free(host);
  curl_free(port);
  return kind;
}

static int check_base_url(struct pix_http_client *client, const struct pix_http_settings *settings,
                          struct pix_err *err) {
  const char *base_url = settings->base_url;
  CURLU *url;
  CURLUcode code;
  int kind;

  if (base_url == NULL || base_url[0] == '\0')
    return pix_err_set(err, PIX_ECONFIG, "base_url", "it is missing");
  if (strlen(base_url) > PIX_MAX_URL || !plain_url(base_url))
    return pix_err_set(err, PIX_ECONFIG, "base_url", "it is too long or has odd characters");
  url = curl_url();
  if (url == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  code = curl_url_set(url, CURLUPART_URL, base_url, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
  if (code == CURLUE_USER_NOT_ALLOWED)
    kind = pix_err_set(err, PIX_ECONFIG, "base_url", "it must have no user name or password");
  else if (code != CURLUE_OK)
    kind = pix_err_set(err, PIX_ECONFIG, "base_url", "it is not a URL");
  else
    kind = check_url_parts(client, base_url, url, settings, err);
  curl_url_cleanup(url);
  return kind;
}

static int check_numbers(const struct pix_http_settings *settings, struct pix_err *err) {
  if (!(settings->timeout > 0 && settings->timeout <= PIX_MAX_TIMEOUT))
    return pix_err_set(err, PIX_ECONFIG, "timeout", "it must be more than 0 and at most %.0f s",
                       PIX_MAX_TIMEOUT);
  if (!(settings->connect_timeout > 0 && settings->connect_timeout <= PIX_MAX_TIMEOUT))
    return pix_err_set(err, PIX_ECONFIG, "connect_timeout",
                       "it must be more than 0 and at most %.0f s", PIX_MAX_TIMEOUT);
  if (settings->max_response < 1 || settings->max_response > PIX_MAX_RESPONSE_CEILING)
    return pix_err_set(err, PIX_ECONFIG, "max_response", "it must be from 1 to %d bytes",
                       PIX_MAX_RESPONSE_CEILING);
  if (settings->max_connections < 1 || settings->max_connections > MAX_CONNECTIONS)
    return pix_err_set(err, PIX_ECONFIG, "max_connections", "it must be from 1 to %d",
                       MAX_CONNECTIONS);
  return PIX_OK;
}

static int check_texts(const struct pix_http_settings *settings, struct pix_err *err) {
  const char *pin = settings->pinned_public_key, *proxy = settings->proxy;

  if (settings->ca_file != NULL && access(settings->ca_file, R_OK) != 0)
    return pix_err_set(err, PIX_ECONFIG, "ca_file", "the file cannot be read");
  if (pin != NULL && strncmp(pin, "sha256//", 8) != 0)
    return pix_err_set(err, PIX_ECONFIG, "pinned_public_key", "it must begin with sha256//");
  if (proxy != NULL && (strlen(proxy) > PIX_MAX_URL || proxy[0] == '\0' || !plain_url(proxy)))
    return pix_err_set(err, PIX_ECONFIG, "proxy", "it is not a proxy's URL");
  return PIX_OK;
}

static bool copy_text(char **to, const char *text) {
  *to = text != NULL ? strdup(text) : NULL;
  return text == NULL || *to != NULL;
}

static int copy_settings(struct pix_http_client *client, const struct pix_http_settings *settings,
                         struct pix_err *err) {
  client->timeout = settings->timeout;
  client->connect_timeout = settings->connect_timeout;
  client->max_response = settings->max_response;
  client->max_connections = settings->max_connections;
  client->no_headers = pix_http_headers_new(true);
  if (client->no_headers != NULL && copy_text(&client->ca_file, settings->ca_file) &&
      copy_text(&client->pinned_public_key, settings->pinned_public_key) &&
      copy_text(&client->proxy, settings->proxy))
    return PIX_OK;
  return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
}

int pix_http_client_new(const struct pix_http_settings *settings, struct pix_http_client **out,
                        struct pix_err *err) {
  struct pix_http_client *client = calloc(1, sizeof *client);
  int kind;

  if (client == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  atomic_init(&client->refs, 1);
  kind = check_base_url(client, settings, err);
  if (kind == PIX_OK) kind = check_numbers(settings, err);
  if (kind == PIX_OK) kind = check_texts(settings, err);
  if (kind == PIX_OK) kind = copy_settings(client, settings, err);
  if (kind == PIX_OK)
    *out = client;
  else
    pix_http_client_unref(client);
  return kind;
}

struct pix_http_client *pix_http_client_ref(struct pix_http_client *client) {
  atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
  return client;
}

/* A proxy's URL may hold a password. */
static void drop_secret(char *text) {
  if (text != NULL) OPENSSL_cleanse(text, strlen(text));
  free(text);
}

void pix_carrier_free(struct pix_carrier *carrier) {
  curl_easy_cleanup(carrier->transfer.easy);
  free(carrier);
}

static void carriers_free(struct pix_carrier *carrier) {
  while (carrier != NULL) {
    struct pix_carrier *next = carrier->next;
    pix_carrier_free(carrier);
    carrier = next;
  }
}

void pix_http_client_unref(struct pix_http_client *client) {
  if (client == NULL) return;
  if (atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) != 1) return;
  if (client->pid == getpid()) {
    carriers_free(client->idle);
    free(client->sockets);
  }
  pix_exchange_free_spares(client);
  pix_http_headers_unref(client->no_headers);
  curl_url_cleanup(client->url);
  free(client->origin);
  free(client->host);
  free(client->ca_file);
  free(client->pinned_public_key);
  drop_secret(client->proxy);
  free(client);
}

/* ---- easy handles ---- */

static void set_callbacks(CURL *easy, struct pix_carrier *carrier) {
  curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)&carrier->transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, carrier->words);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, pix_carrier_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, (void *)carrier);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pix_carrier_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)carrier);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, pix_carrier_begin);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, (void *)carrier);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, pix_carrier_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, (void *)carrier);
}

/* What decides whom we talk to. Nothing here can be loosened from outside. */
static bool set_trust(CURL *easy, const struct pix_http_client *client) {
  const char *schemes = client->tls ? "https" : "http";
  const char *proxy = client->proxy != NULL ? client->proxy : "";

  if (client->url != NULL && curl_easy_setopt(easy, CURLOPT_CURLU, client->url) != CURLE_OK)
    return false;
  if (curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, schemes) != CURLE_OK) return false;
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (client->ca_file != NULL &&
      curl_easy_setopt(easy, CURLOPT_CAINFO, client->ca_file) != CURLE_OK)
    return false;
  if (client->pinned_public_key != NULL &&
      curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, client->pinned_public_key) != CURLE_OK)
    return false;
  /* Or libcurl looks into the environment each time. */
  if (curl_easy_setopt(easy, CURLOPT_NOPROXY, "") != CURLE_OK) return false;
  return curl_easy_setopt(easy, CURLOPT_PROXY, proxy) == CURLE_OK;
}

/* HTTP/2 is for TLS alone; asking for it on plain HTTP would only make libcurl look for it. */
static bool set_transport(CURL *easy, const struct pix_http_client *client) {
  long version = client->tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;

  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
  curl_easy_setopt(easy, CURLOPT_PIPEWAIT, client->tls ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  /* What lies idle longer a router may have forgotten without telling anybody. */
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 30L);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
  /* A name server that hangs must not hang the thread when an exchange ends early. */
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(client->connect_timeout * 1000 + 0.5));
  return curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ENCODINGS) == CURLE_OK;
}

static struct pix_carrier *carrier_new(const struct pix_http_client *client) {
  struct pix_carrier *carrier = calloc(1, sizeof *carrier);
  CURL *easy;

  if (carrier == NULL) return NULL;
  carrier->transfer.easy = easy = curl_easy_init();
  if (easy != NULL && set_trust(easy, client) && set_transport(easy, client)) {
    set_callbacks(easy, carrier);
    return carrier;
  }
  pix_carrier_free(carrier);
  return NULL;
}

struct pix_carrier *pix_carrier_take(struct pix_http_client *client) {
  struct pix_carrier *carrier = client->idle;

  if (carrier == NULL) return carrier_new(client);
  client->idle = carrier->next;
  carrier->next = NULL;
  return carrier;
}

void pix_carrier_put(struct pix_http_client *client, struct pix_carrier *carrier) {
  carrier->exchange = NULL;
  carrier->next = client->idle;
  client->idle = carrier;
}
