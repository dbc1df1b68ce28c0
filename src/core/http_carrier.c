/*
** http_carrier.c - what libcurl calls while an easy handle carries an exchange: before each try,
** and with what comes back; see http_impl.h. The argument `data` is the carrier. Why the tries are
** watched stands at the top of http.c.
*/
#include "http_impl.h"

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

#include "shards.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0
#endif

#define FIRST_REPLY 65536 /* the most that is reserved on a server's word */

/* ---- before a try ---- */

curl_socket_t pix_carrier_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address) {
  struct pix_carrier *carrier = data;

  (void)purpose;
  carrier->opened = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  pix_shard_watch(carrier->transfer.shard, carrier->opened);
  return carrier->opened;
}

static int port_of(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
  } at;
  socklen_t size = sizeof at;
  int port = -1;

  if (fd < 0 || getsockname(fd, &at.any, &size) != 0) return -1;
  if (at.any.sa_family == AF_INET) port = ntohs(at.four.sin_port);
  if (at.any.sa_family == AF_INET6) port = ntohs(at.six.sin6_port);
  return port;
}

/* Has the server closed this kept connection? libcurl tells a connection by its local port only;
** the client remembers which socket was opened with it. An idle connection of HTTP/1.1 has nothing
** to say; what comes is a goodbye. */
static bool gone(struct pix_carrier *carrier, int local_port) {
  struct pix_http_client *client = carrier->exchange->client;
  struct pollfd fd = {-1, POLLIN | POLLRDHUP, 0};
  short bad = POLLRDHUP | POLLHUP | POLLERR | POLLNVAL;

  if (client->sockets == NULL || local_port <= 0 || local_port > UINT16_MAX) return false;
  if (carrier->opened >= 0 && port_of(carrier->opened) == local_port) {
    client->sockets[local_port] = carrier->opened + 1;
    return false;
  }
  fd.fd = client->sockets[local_port] - 1;
  if (port_of(fd.fd) != local_port) return false;
  if (!client->multiplexes) bad |= POLLIN;
  return poll(&fd, 1, 0) == 1 && (fd.revents & bad) != 0;
}

/* Before every try; libcurl comes here again when it wants to repeat. */
int pix_carrier_begin(void *data, char *ip, char *local_ip, int port, int local_port) {
  struct pix_carrier *carrier = data;
  long sent = 0;

  (void)ip, (void)local_ip, (void)port;
  curl_easy_getinfo(carrier->transfer.easy, CURLINFO_REQUEST_SIZE, &sent);
  if (carrier->tries == 0) carrier->before = sent;
  if (carrier->exchange->once && sent > carrier->before) return CURL_PREREQFUNC_ABORT;
  if (gone(carrier, local_port)) {
    carrier->gone = true;
    return CURL_PREREQFUNC_ABORT;
  }
  carrier->tries++;
  return CURL_PREREQFUNC_OK;
}

/* ---- what comes back ---- */

/* Copies a header's value, without the blanks around it, if the line has that name. */
static void keep_value(char *to, size_t size, const char *line, size_t len, const char *name) {
  size_t at = strlen(name);

  if (len <= at || line[at] != ':' || strncasecmp(line, name, at) != 0) return;
  at++;
  while (at < len && (line[at] == ' ' || line[at] == '\t')) at++;
  while (len > at && (unsigned char)line[len - 1] <= ' ') len--;
  pix_err_copy(to, size, line + at, len - at);
}

static void read_header(struct pix_carrier *carrier, const char *line, size_t len) {
  struct pix_exchange *exchange = carrier->exchange;

  if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* a 1xx came before, or nothing did */
    carrier->head_done = false;
    exchange->content_type[0] = exchange->retry_after[0] = '\0';
    return;
  }
  if (carrier->head_done) return; /* a trailer */
  if (len <= 2 && (line[0] == '\r' || line[0] == '\n')) {
    carrier->head_done = true;
    return;
  }
  keep_value(exchange->content_type, sizeof exchange->content_type, line, len, "Content-Type");
  keep_value(exchange->retry_after, sizeof exchange->retry_after, line, len, "Retry-After");
}

size_t pix_carrier_head(char *line, size_t size, size_t count, void *data) {
  struct pix_carrier *carrier = data;
  size_t len = size * count;

  pix_shard_received(carrier->transfer.shard, len);
  carrier->head_size += len;
  if (carrier->head_size > PIX_MAX_REPLY_HEAD) {
    carrier->stop = PIX_STOP_HEAD;
    return 0;
  }
  if (len > 0) read_header(carrier, line, len);
  return len;
}

/* Content-Length is a hint only: it may be a lie, and counts compressed bytes. */
static void reserve_reply(struct pix_carrier *carrier) {
  struct pix_buf *reply = &carrier->exchange->reply;
  curl_off_t length = -1;

  curl_easy_getinfo(carrier->transfer.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  if (length <= 0) return;
  if (length > FIRST_REPLY) length = FIRST_REPLY;
  if ((size_t)length > reply->max) return;
  pix_buf_reserve(reply, (size_t)length);
}

size_t pix_carrier_body(char *bytes, size_t size, size_t count, void *data) {
  struct pix_carrier *carrier = data;
  struct pix_buf *reply = &carrier->exchange->reply;
  size_t len = size * count;

  pix_shard_received(carrier->transfer.shard, len);
  if (reply->data == NULL) reserve_reply(carrier);
  if (len > reply->max - reply->len) {
    carrier->stop = PIX_STOP_BODY;
    return 0;
  }
  pix_buf_add(reply, bytes, len);
  if (!reply->failed) return len;
  carrier->stop = PIX_STOP_MEMORY;
  return 0;
}
