/*
** tcp_server.h - a scripted server on a loopback port, for the C tests. Every connection runs
** `serve` in a thread of its own; the script reads requests with tcp_request and answers with
** tcp_write. With `tls` set to an SSL_CTX it speaks TLS. tcp_server_stop ends all connections and
** waits for their threads, so that nothing outlives a test.
*/
#ifndef PIX_SPEC_TCP_SERVER_H
#define PIX_SPEC_TCP_SERVER_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <openssl/ssl.h>

#define TCP_MAX_CONNS 512

struct tcp_server;

struct tcp_conn {
  struct tcp_server *server;
  pthread_t thread;
  int fd;
  int number; /* the server's first connection is 1 */
  SSL *ssl;
  bool resets; /* see tcp_reset */
  size_t len;  /* bytes in text, of which the first `used` belong to the last request */
  size_t used;
  char text[100 * 1024];
};

struct tcp_server {
  int fd;
  int port;
  SSL_CTX *tls;
  void (*serve)(struct tcp_conn *conn);
  atomic_int connections;
  atomic_int requests;
  atomic_int gate; /* for scripts that wait for the test */
  pthread_t thread;
  pthread_mutex_t lock; /* guards conns, count, stopping */
  struct tcp_conn *conns[TCP_MAX_CONNS];
  int count;
  bool stopping;
};

static inline ssize_t tcp_read(struct tcp_conn *conn, char *to, size_t room) {
  if (conn->ssl != NULL) return SSL_read(conn->ssl, to, (int)room);
  return recv(conn->fd, to, room, 0);
}

static inline bool tcp_send(struct tcp_conn *conn, const char *data, size_t len) {
  while (len > 0) {
    ssize_t put = conn->ssl != NULL ? SSL_write(conn->ssl, data, (int)len)
                                    : send(conn->fd, data, len, MSG_NOSIGNAL);
    if (put <= 0) return false;
    data += put;
    len -= (size_t)put;
  }
  return true;
}

static inline bool tcp_write(struct tcp_conn *conn, const char *text) {
  return tcp_send(conn, text, strlen(text));
}

/* The length of the first request in text, or 0 while it is not whole. */
static inline size_t tcp_whole(const struct tcp_conn *conn) {
  const char *end = strstr(conn->text, "\r\n\r\n");
  const char *length = strcasestr(conn->text, "\r\ncontent-length:");
  size_t size;

  if (end == NULL) return 0;
  size = (size_t)(end - conn->text) + 4;
  if (length != NULL && length < end) size += strtoul(length + 17, NULL, 10);
  return size <= conn->len ? size : 0;
}

/* Waits for a whole request and counts it; its text is conn->text until the next call. */
static inline bool tcp_request(struct tcp_conn *conn) {
  memmove(conn->text, conn->text + conn->used, conn->len - conn->used);
  conn->len -= conn->used;
  conn->text[conn->len] = '\0';
  while ((conn->used = tcp_whole(conn)) == 0) {
    ssize_t got = tcp_read(conn, conn->text + conn->len, sizeof conn->text - 1 - conn->len);
    if (got <= 0) return false;
    conn->len += (size_t)got;
    conn->text[conn->len] = '\0';
  }
  atomic_fetch_add(&conn->server->requests, 1);
  return true;
}

/* Waits until the other side closes, or the server is stopped. */
static inline void tcp_hang(struct tcp_conn *conn) {
  char scrap[512];

  while (tcp_read(conn, scrap, sizeof scrap) > 0) continue;
}

/* Closes with a reset instead of an orderly end. */
static inline void tcp_reset(struct tcp_conn *conn) {
  struct linger now = {1, 0};

  conn->resets = true;
  setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static inline bool tcp_stopping(struct tcp_server *server) {
  bool stopping;

  pthread_mutex_lock(&server->lock);
  stopping = server->stopping;
  pthread_mutex_unlock(&server->lock);
  return stopping;
}

/* Says that no more comes, and waits until the other side's system has acknowledged that: after a
** close alone it may still be on its way, and the other side may take the connection for alive. */
static inline void tcp_finish(struct tcp_conn *conn) {
#ifdef __linux__
  struct tcp_info info = {.tcpi_state = TCP_FIN_WAIT1};
  socklen_t size = sizeof info;

  if (conn->resets || shutdown(conn->fd, SHUT_WR) != 0) return;
  while (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state == TCP_FIN_WAIT1 && !tcp_stopping(conn->server))
    usleep(100);
#endif
  (void)conn;
}

static inline void *tcp_conn_main(void *arg) {
  struct tcp_conn *conn = arg;
  bool ready = true;

  if (conn->server->tls != NULL) {
    conn->ssl = SSL_new(conn->server->tls);
    SSL_set_fd(conn->ssl, conn->fd);
    ready = SSL_accept(conn->ssl) == 1;
  }
  if (ready) conn->server->serve(conn);
  if (ready && conn->ssl != NULL) SSL_shutdown(conn->ssl);
  tcp_finish(conn);
  SSL_free(conn->ssl);
  conn->ssl = NULL;
  pthread_mutex_lock(&conn->server->lock);
  close(conn->fd);
  conn->fd = -1;
  pthread_mutex_unlock(&conn->server->lock);
  return NULL;
}

static inline void tcp_admit(struct tcp_server *server, int fd) {
  struct tcp_conn *conn = calloc(1, sizeof *conn);

  pthread_mutex_lock(&server->lock);
  if (conn == NULL || server->stopping || server->count == TCP_MAX_CONNS) {
    close(fd);
    free(conn);
  } else {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    conn->server = server;
    conn->fd = fd;
    conn->number = atomic_fetch_add(&server->connections, 1) + 1;
    server->conns[server->count++] = conn;
    pthread_create(&conn->thread, NULL, tcp_conn_main, conn);
  }
  pthread_mutex_unlock(&server->lock);
}

static inline void *tcp_server_main(void *arg) {
  struct tcp_server *server = arg;
  int fd;

  while ((fd = accept(server->fd, NULL, NULL)) >= 0) tcp_admit(server, fd);
  return NULL;
}

/* A port that is ours, at which nobody listens. */
static inline int tcp_take(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0) abort();
  getsockname(fd, (struct sockaddr *)&address, &size);
  *port = ntohs(address.sin_port);
  return fd;
}

static inline int tcp_listen(int *port, int backlog) {
  int fd = tcp_take(port);

  if (listen(fd, backlog) != 0) abort();
  return fd;
}

static inline void tcp_server_start(struct tcp_server *server, void (*serve)(struct tcp_conn *conn),
                                    SSL_CTX *tls) {
  memset(server, 0, sizeof *server);
  signal(SIGPIPE, SIG_IGN); /* SSL_write; the code under test blocks it for itself */
  pthread_mutex_init(&server->lock, NULL);
  server->serve = serve;
  server->tls = tls;
  server->fd = tcp_listen(&server->port, 512);
  pthread_create(&server->thread, NULL, tcp_server_main, server);
}

/* Waits until every connection so far is closed on this side, and the other side's system knows. */
static inline void tcp_server_idle(struct tcp_server *server) {
  int open;

  do {
    usleep(500);
    open = 0;
    pthread_mutex_lock(&server->lock);
    for (int i = 0; i < server->count; i++) open += server->conns[i]->fd >= 0;
    pthread_mutex_unlock(&server->lock);
  } while (open > 0);
}

static inline void tcp_server_stop(struct tcp_server *server) {
  shutdown(server->fd, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->fd);
  pthread_mutex_lock(&server->lock);
  server->stopping = true;
  for (int i = 0; i < server->count; i++) {
    if (server->conns[i]->fd >= 0) shutdown(server->conns[i]->fd, SHUT_RDWR);
  }
  pthread_mutex_unlock(&server->lock);
  for (int i = 0; i < server->count; i++) {
    pthread_join(server->conns[i]->thread, NULL);
    free(server->conns[i]);
  }
  pthread_mutex_destroy(&server->lock);
}

#endif
