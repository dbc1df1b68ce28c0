/*
** doorbell_test.c - the unix socket at which others wait for an op.
*/
#include "../../src/core/reactor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/check.h"

static struct pix_reactor *reactor;
static const char *path;

static void open_bell(void) {
  CHECK_INT(PIX_OK, pix_reactor_new(false, &reactor, NULL));
  CHECK_INT(PIX_OK, pix_reactor_doorbell(reactor, &path, NULL));
}

static int visit(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);

  memcpy(address.sun_path, path, strlen(path) + 1);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) CHECK(!"connect");
  return fd;
}

static void ask_text(int fd, const char *text) {
  (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void ask(int fd, uint64_t id) {
  char line[32];

  snprintf(line, sizeof line, "%llu\n", (unsigned long long)id);
  ask_text(fd, line);
}

/* '\n' for the bell, 'x' when closed, '?' when nothing came in ms milliseconds. */
static char hear(int fd, int ms) {
  struct pollfd poll_fd = {fd, POLLIN, 0};
  char byte;

  if (poll(&poll_fd, 1, ms) != 1) return '?';
  return recv(fd, &byte, 1, 0) == 1 ? byte : 'x';
}

static uint64_t timer(double seconds) {
  return pix_reactor_submit(reactor, pix_timer_new(seconds));
}

/* Waits until an op is over, and leaves it to be drained. */
static void hear_of(uint64_t id) {
  int fd = visit();

  ask(fd, id);
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
}

static void drain_one(void) {
  struct pix_op *op;

  CHECK_INT(1, pix_reactor_wait(reactor, 20));
  op = pix_reactor_drain(reactor);
  while (op != NULL) {
    struct pix_op *next = op->next;
    op->verbs->free(op);
    op = next;
  }
}

static void rings_when_the_op_ends(void) {
  uint64_t id;
  int fd;

  open_bell();
  id = timer(3600);
  fd = visit();
  ask(fd, id);
  CHECK_INT('?', hear(fd, 30));
  pix_reactor_cancel(reactor, id);
  CHECK_INT('\n', hear(fd, 20000));
  drain_one();
  close(fd);
  pix_reactor_close(reactor);
}

static void rings_at_once_for_what_is_over(void) {
  uint64_t id;
  int fd;

  open_bell();
  id = timer(0);
  CHECK_INT(1, pix_reactor_wait(reactor, 20));
  fd = visit();
  ask(fd, id); /* finished, not drained */
  CHECK_INT('\n', hear(fd, 20000));
  drain_one();
  ask(fd, id); /* drained */
  CHECK_INT('\n', hear(fd, 20000));
  ask(fd, UINT64_MAX);
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
  pix_reactor_close(reactor);
}

static void one_connection_asks_many_times(void) {
  int fd;

  open_bell();
  fd = visit();
  for (int i = 0; i < 200; i++) {
    ask(fd, timer(i % 2 == 0 ? 0 : 0.001));
    CHECK_INT('\n', hear(fd, 20000));
    drain_one();
  }
  close(fd);
  pix_reactor_close(reactor);
}

static void many_wait_for_one_and_one_for_each(void) {
  uint64_t same, ids[100];
  int fds[200];

  open_bell();
  same = timer(3600);
  for (int i = 0; i < 100; i++) {
    ids[i] = timer(3600);
    ask(fds[i] = visit(), same);
    ask(fds[100 + i] = visit(), ids[i]);
  }
  CHECK_INT('?', hear(fds[0], 30));
  pix_reactor_cancel(reactor, same);
  for (int i = 0; i < 100; i++) CHECK_INT('\n', hear(fds[i], 20000));
  CHECK_INT('?', hear(fds[100], 0));
  for (int i = 99; i >= 0; i--) {
    pix_reactor_cancel(reactor, ids[i]);
    CHECK_INT('\n', hear(fds[100 + i], 20000));
  }
  for (int i = 0; i < 200; i++) close(fds[i]);
  pix_reactor_close(reactor);
}

static void a_line_may_come_in_pieces(void) {
  char digits[32];
  int fd;

  open_bell();
  snprintf(digits, sizeof digits, "%llu\n", (unsigned long long)timer(0));
  drain_one();
  fd = visit();
  for (const char *at = digits; *at != '\0'; at++) {
    CHECK_INT('?', hear(fd, 2));
    (void)!send(fd, at, 1, MSG_NOSIGNAL);
  }
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
  pix_reactor_close(reactor);
}

/* A byte for each time that something begins to wait for drain, and none between. */
static void a_listener_hears_of_everything(void) {
  int fd, late;

  open_bell();
  fd = visit();
  ask_text(fd, "*\n");
  CHECK_INT('?', hear(fd, 30));
  for (int i = 0; i < 100; i++) {
    timer(0);
    CHECK_INT('\n', hear(fd, 20000));
    if (i == 50) {
      hear_of(timer(0)); /* joins the one that waits already */
      CHECK_INT('?', hear(fd, 30));
      late = visit(); /* hears at once that something waits */
      ask_text(late, "*\n");
      CHECK_INT('\n', hear(late, 20000));
      close(late);
    }
    drain_one();
  }
  CHECK_INT('?', hear(fd, 30));
  ask_text(fd, "1"); /* a listener only listens */
  CHECK_INT('x', hear(fd, 20000));
  close(fd);
  pix_reactor_close(reactor);
}

/* It may read when it likes: bytes are not promised one by one, but one is there. */
static void a_deaf_listener_stays(void) {
  int fd;

  open_bell();
  fd = visit();
  ask_text(fd, "*\n");
  for (int i = 0; i < 2000; i++) {
    timer(0);
    drain_one();
  }
  CHECK_INT('\n', hear(fd, 20000));
  while (hear(fd, 30) == '\n') continue;
  timer(0);
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
  pix_reactor_close(reactor);
}

static void garbage_closes(const char *text, size_t len) {
  int fd = visit();

  (void)!send(fd, text, len, MSG_NOSIGNAL);
  CHECK_INT('x', hear(fd, 20000));
  close(fd);
}

static void anything_malformed_closes(void) {
  static const char *const texts[] = {"\n",
                                      "0\n",
                                      "-1\n",
                                      "abc\n",
                                      " 1\n",
                                      "1 \n",
                                      "1\r\n",
                                      "1\n2\n",
                                      "**\n",
                                      "*1\n",
                                      "1*\n",
                                      "*\r\n",
                                      "GET / HTTP/1.1\r\n",
                                      "99999999999999999999\n",
                                      "123456789012345678901"};
  int fd;

  open_bell();
  for (size_t i = 0; i < PIX_COUNT(texts); i++) garbage_closes(texts[i], strlen(texts[i]));
  garbage_closes("1\0\n", 3);
  fd = visit();
  ask(fd, timer(3600));
  ask_text(fd, "1"); /* speaks while it waits */
  CHECK_INT('x', hear(fd, 20000));
  close(fd);
  fd = visit(); /* and the next visitor is served */
  ask(fd, 1);
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
  pix_reactor_close(reactor);
}

static void leaving_early_harms_nobody(void) {
  uint64_t id;
  int stays;

  open_bell();
  id = timer(3600);
  stays = visit();
  ask(stays, id);
  for (int i = 0; i < 300; i++) {
    int fd = visit();
    if (i % 3 != 0) ask(fd, id);
    if (i % 3 == 1) ask_text(fd, "12");
    close(fd);
  }
  pix_reactor_cancel(reactor, id);
  CHECK_INT('\n', hear(stays, 20000));
  close(stays);
  pix_reactor_close(reactor);
}

/* A visitor that asks and never reads fills his own buffer only. */
static void a_deaf_visitor_does_not_block(void) {
  char flood[4096];
  int deaf, fd;

  open_bell();
  deaf = visit();
  for (size_t i = 0; i < sizeof flood; i += 2) memcpy(flood + i, "1\n", 2);
  for (int i = 0; i < 100; i++) (void)!send(deaf, flood, sizeof flood, MSG_NOSIGNAL | MSG_DONTWAIT);
  fd = visit();
  ask(fd, timer(0));
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
  close(deaf);
  pix_reactor_close(reactor);
}

static void the_directory_is_private_and_goes(void) {
  char directory[128];
  struct stat info;
  const char *again = NULL;

  open_bell();
  snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
  CHECK_INT(0, stat(directory, &info));
  CHECK_INT(0700, info.st_mode & 0777);
  CHECK_INT(PIX_OK, pix_reactor_doorbell(reactor, &again, NULL));
  CHECK(again == path);
  pix_reactor_close(reactor);
  CHECK(stat(directory, &info) != 0 && errno == ENOENT);
}

static void a_private_runtime_directory_is_used(void) {
  char base[] = "/tmp/pixbell-XXXXXX";

  CHECK(mkdtemp(base) != NULL);
  setenv("XDG_RUNTIME_DIR", base, 1);
  open_bell();
  CHECK(strncmp(path, base, strlen(base)) == 0);
  pix_reactor_close(reactor);
  chmod(base, 0755); /* not ours alone */
  open_bell();
  CHECK(strncmp(path, base, strlen(base)) != 0);
  pix_reactor_close(reactor);
  unsetenv("XDG_RUNTIME_DIR");
  CHECK_INT(0, rmdir(base));
}

static void a_child_does_not_take_the_bell_away(void) {
  int status = -1, fd;
  pid_t child;

  open_bell();
  child = fork();
  if (child == 0) {
    alarm(120);
    pix_reactor_close(reactor);
    _exit(0);
  }
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  fd = visit();
  ask(fd, timer(0));
  CHECK_INT('\n', hear(fd, 20000));
  close(fd);
  pix_reactor_close(reactor);
}

static void close_hangs_up_on_everybody(void) {
  int fd;

  open_bell();
  fd = visit();
  ask(fd, timer(3600));
  CHECK_INT('?', hear(fd, 10));
  pix_reactor_close(reactor);
  CHECK_INT('x', hear(fd, 20000));
  close(fd);
}

static const struct check_test tests[] = {
    {"the bell rings when the op ends", rings_when_the_op_ends},
    {"the bell rings at once for an op that is over or unknown", rings_at_once_for_what_is_over},
    {"one connection asks any number of times", one_connection_asks_many_times},
    {"many may wait for one op, and each for his own", many_wait_for_one_and_one_for_each},
    {"a listener hears of everything", a_listener_hears_of_everything},
    {"a listener that does not read stays one", a_deaf_listener_stays},
    {"a line may come in pieces", a_line_may_come_in_pieces},
    {"anything malformed closes that connection only", anything_malformed_closes},
    {"visitors may leave at any time", leaving_early_harms_nobody},
    {"a visitor that does not read blocks nobody", a_deaf_visitor_does_not_block},
    {"the directory is private, and goes at close", the_directory_is_private_and_goes},
    {"a private XDG_RUNTIME_DIR is used, another is not", a_private_runtime_directory_is_used},
    {"closing in a forked child leaves the bell alone", a_child_does_not_take_the_bell_away},
    {"close hangs up on everybody", close_hangs_up_on_everybody},
};

CHECK_MAIN(tests)
