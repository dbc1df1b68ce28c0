/*
** shards_test.c - where transfers go, which shards are worked on, and when one is closed. Nothing
** is sent: the easy handles only lie in their multi handles. Many exchanges over real sockets are
** in http_load_test.c.
*/
#include "core/shards.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/check.h"

#define SECOND INT64_C(1000000000)
#define SIZE   8 /* of the lowest shards */
#define MOST   (3 * SIZE)
#define CROWD  256

struct lain {
  CURL *easy;
  struct pix_shard *shard;
};

struct crowd {
  struct pix_shards shards;
  struct lain all[CROWD];
};

static void add(struct crowd *crowd, int at, bool spread) {
  struct lain *one = &crowd->all[at];

  one->easy = curl_easy_init();
  curl_easy_setopt(one->easy, CURLOPT_URL, "http://127.0.0.1:9/");
  CHECK_INT(CURLM_OK, pix_shards_add(&crowd->shards, one->easy, spread, &one->shard));
}

static void drop(struct crowd *crowd, int at, int64_t now) {
  struct lain *one = &crowd->all[at];

  if (one->easy == NULL) return;
  pix_shards_remove(&crowd->shards, one->shard, one->easy, now);
  curl_easy_cleanup(one->easy);
  one->easy = NULL;
}

static void start(struct crowd *crowd, int count, bool spread) {
  memset(crowd, 0, sizeof *crowd);
  CHECK(pix_shards_init(&crowd->shards));
  for (int i = 0; i < count; i++) add(crowd, i, spread);
}

static void end(struct crowd *crowd) {
  for (int i = 0; i < CROWD; i++) drop(crowd, i, 0);
  CHECK_INT(0, crowd->shards.active);
  pix_shards_fini(&crowd->shards);
}

static int place(const struct crowd *crowd, int at) {
  return (int)(crowd->all[at].shard - crowd->shards.shard);
}

static void few_are_together(void) {
  struct crowd crowd;

  start(&crowd, SIZE, true);
  CHECK_INT(0, place(&crowd, SIZE - 1));
  CHECK_INT(1, crowd.shards.open);
  CHECK_INT(-1, crowd.shards.epoll);
  end(&crowd);
}

static void many_are_spread(void) {
  struct crowd crowd;

  start(&crowd, MOST - 1, true);
  CHECK_INT(0, place(&crowd, SIZE - 1));
  CHECK_INT(1, place(&crowd, SIZE));
  CHECK_INT(1, place(&crowd, 2 * SIZE - 1));
  CHECK_INT(2, place(&crowd, MOST - 2));
  CHECK_INT(MOST - 1, crowd.shards.active);
  drop(&crowd, 3, 0);
  add(&crowd, 3, true); /* the lowest with room */
  CHECK_INT(0, place(&crowd, 3));
  end(&crowd);
}

static void who_shares_a_connection_stays(void) {
  struct crowd crowd;

  start(&crowd, MOST, false);
  CHECK_INT(0, place(&crowd, MOST - 1));
  CHECK_INT(1, crowd.shards.open);
  end(&crowd);
}

/* How many are worked on in a turn at `now`. */
static int turn(struct crowd *crowd, int64_t now) {
  int count = 0, at = 0;

  while (pix_shards_next(&crowd->shards, &at, now) != NULL) count++;
  return count;
}

/* A transfer that was added has a timer of libcurl's that is due; perform would take it away. */
static void settle(struct crowd *crowd) {
  for (int i = 0; i < crowd->shards.open; i++) {
    int running;
    curl_multi_perform(crowd->shards.shard[i].multi, &running);
  }
}

static void only_what_is_due_is_worked_on(void) {
  struct crowd crowd;
  int ends[2];

  start(&crowd, MOST, true);
  CHECK_INT(3, turn(&crowd, SECOND));
  for (int i = SIZE; i < MOST; i++) drop(&crowd, i, SECOND);
  CHECK_INT(1, turn(&crowd, 2 * SECOND)); /* nothing is in the others */

  CHECK_INT(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  crowd.shards.shard[1].active = 1; /* as if one waited for an answer */
  crowd.shards.shard[1].due = false;
  crowd.shards.shard[1].looked = 2 * SECOND;
  pix_shard_watch(&crowd.shards.shard[1], ends[0]);
  pix_shards_poll(&crowd.shards, NULL, 0, 0, 2 * SECOND); /* that it can be written to */
  turn(&crowd, 2 * SECOND);
  pix_shards_poll(&crowd.shards, NULL, 0, 0, 2 * SECOND);
  CHECK_INT(1, turn(&crowd, 2 * SECOND));
  CHECK_INT(1, write(ends[1], "x", 1));
  pix_shards_poll(&crowd.shards, NULL, 0, 0, 2 * SECOND);
  CHECK_INT(2, turn(&crowd, 2 * SECOND));
  CHECK_INT(1, turn(&crowd, 2 * SECOND));

  pix_shard_received(&crowd.shards.shard[1], 100000); /* there may be more */
  crowd.shards.shard[1].due = true;
  CHECK_INT(2, turn(&crowd, 2 * SECOND));
  CHECK_INT(2, turn(&crowd, 2 * SECOND));
  CHECK_INT(1, turn(&crowd, 2 * SECOND));
  CHECK_INT(2, turn(&crowd, 3 * SECOND)); /* nobody is forgotten */
  for (int i = 0; i < SIZE; i++) drop(&crowd, i, 3 * SECOND);
  CHECK_INT(0, turn(&crowd, 3 * SECOND)); /* nor is the first one worked on for nothing */
  add(&crowd, 0, true);
  CHECK_INT(1, turn(&crowd, 3 * SECOND));
  crowd.shards.shard[1].active = 0;
  close(ends[0]);
  close(ends[1]);
  end(&crowd);
}

/* A perform looks at every transfer of its shard, and each turn works on the first: with 256 under
** way, one answer must not cost a look at more than a tenth. See docs/internals/reactor.md. */
static void an_answer_costs_few_looks(void) {
  struct crowd crowd;

  start(&crowd, CROWD, true);
  for (int i = 1; i < crowd.shards.open; i++)
    CHECK(crowd.shards.shard[0].active + crowd.shards.shard[i].active <= CROWD / 10);
  CHECK_INT(CROWD, crowd.shards.active);
  end(&crowd);
}

/* More than there is room for: not all to one of the full ones, least of all to the first. */
static void too_many_are_shared_out(void) {
  struct crowd crowd;
  struct pix_shard *shard = crowd.shards.shard;

  start(&crowd, MOST, true);
  for (int i = 3; i < PIX_SHARDS; i++) {
    shard[i].multi = shard[1].multi; /* as if it were open and full */
    shard[i].active = i == 100 ? 150 : 200;
  }
  shard[1].active += 300;
  shard[2].active += 300;
  add(&crowd, MOST, true);
  CHECK_INT(100, place(&crowd, MOST));
  drop(&crowd, MOST, 0);
  for (int i = 3; i < PIX_SHARDS; i++) {
    shard[i].multi = NULL;
    shard[i].active = 0;
  }
  shard[1].active -= 300;
  shard[2].active -= 300;
  end(&crowd);
}

static void the_callers_descriptors_are_watched(void) {
  struct curl_waitfd fd = {.events = CURL_WAIT_POLLIN};
  struct crowd crowd;
  int ends[2];

  start(&crowd, MOST, true);
  settle(&crowd);
  CHECK_INT(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  fd.fd = ends[0];
  CHECK_INT(CURLM_OK, pix_shards_poll(&crowd.shards, &fd, 1, 0, 0));
  CHECK_INT(0, fd.revents);
  CHECK_INT(1, write(ends[1], "x", 1));
  CHECK_INT(CURLM_OK, pix_shards_poll(&crowd.shards, &fd, 1, 60000, 0));
  CHECK((fd.revents & CURL_WAIT_POLLIN) != 0);
  close(ends[0]);
  close(ends[1]);
  end(&crowd);
}

static void idle_ones_are_closed(void) {
  struct crowd crowd;

  start(&crowd, MOST, true);
  for (int i = SIZE; i < MOST; i++) drop(&crowd, i, i < MOST - 1 ? 0 : 20 * SECOND);
  pix_shards_tidy(&crowd.shards, 29 * SECOND);
  CHECK(crowd.shards.shard[1].multi != NULL && crowd.shards.shard[2].multi != NULL);
  pix_shards_tidy(&crowd.shards, 31 * SECOND);
  CHECK(crowd.shards.shard[1].multi == NULL && crowd.shards.shard[2].multi != NULL);
  CHECK_INT(3, crowd.shards.open);
  pix_shards_tidy(&crowd.shards, 51 * SECOND);
  CHECK_INT(1, crowd.shards.open);
  CHECK(crowd.shards.shard[0].multi != NULL);
  add(&crowd, SIZE, true); /* and opened again */
  CHECK_INT(1, place(&crowd, SIZE));
  end(&crowd);
}

static const struct check_test tests[] = {
    {"few transfers are in the first shard", few_are_together},
    {"many are spread over several, the lowest first", many_are_spread},
    {"those that may share a connection stay in the first", who_shares_a_connection_stays},
    {"only shards in which something happened are worked on", only_what_is_due_is_worked_on},
    {"one answer among 256 transfers costs a look at few", an_answer_costs_few_looks},
    {"more transfers than there is room for are shared out", too_many_are_shared_out},
    {"the caller's descriptors are watched beside them", the_callers_descriptors_are_watched},
    {"a shard without transfers is closed after half a minute", idle_ones_are_closed},
};

CHECK_MAIN(tests)
