/*
** shards.c - libcurl's multi handles in one loop; see shards.h.
*/
#include "shards.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#define SMALLEST    8    /* transfers in a shard; as many as an owner drives himself */
#define MUCH        8192 /* bytes; libcurl reads 16 KiB of a socket at a time */
#define LOOK        100  /* ms between two looks at a shard, whatever epoll says */
#define IDLE        INT64_C(30000000000) /* ns; HTTP servers keep a connection about as long */
#define MILLISECOND INT64_C(1000000)
#define EVENTS      256

static CURLM *new_multi(void) {
  CURLM *multi = curl_multi_init();

  if (multi == NULL) return NULL;
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 65536L);
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 256L);
  return multi;
}

bool pix_shards_init(struct pix_shards *shards) {
  memset(shards, 0, sizeof *shards);
  shards->epoll = -1;
  shards->open = 1;
  for (int i = 0; i < PIX_SHARDS; i++) shards->shard[i].epoll = -1;
  shards->shard[0].multi = new_multi();
  return shards->shard[0].multi != NULL;
}

void pix_shards_fini(struct pix_shards *shards) {
  for (int i = 0; i < PIX_SHARDS; i++) {
    if (shards->shard[i].multi != NULL) curl_multi_cleanup(shards->shard[i].multi);
    shards->shard[i].multi = NULL;
  }
  if (shards->epoll >= 0) close(shards->epoll);
  shards->epoll = -1;
  free(shards->fds);
  shards->fds = NULL;
}

#ifdef __linux__

static bool open_shard(struct pix_shards *shards, struct pix_shard *shard) {
  if (shards->epoll < 0) shards->epoll = epoll_create1(EPOLL_CLOEXEC);
  if (shards->epoll < 0) return false;
  shard->multi = new_multi();
  shard->epoll = shards->epoll;
  return shard->multi != NULL;
}

/* Failure is slow, not wrong: what is not told of is found by looking. */
void pix_shard_watch(struct pix_shard *shard, int fd) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};

  event.data.ptr = shard;
  if (shard->epoll >= 0 && fd >= 0) (void)epoll_ctl(shard->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void take_events(struct pix_shards *shards) {
  struct epoll_event events[EVENTS];
  int count = epoll_wait(shards->epoll, events, EVENTS, 0);

  for (int i = 0; i < count; i++) ((struct pix_shard *)events[i].data.ptr)->due = true;
}

#else

static bool open_shard(struct pix_shards *shards, struct pix_shard *shard) {
  (void)shards, (void)shard;
  return false;
}

void pix_shard_watch(struct pix_shard *shard, int fd) {
  (void)shard, (void)fd;
}

static void take_events(struct pix_shards *shards) {
  (void)shards;
}

#endif

int pix_shard_size(int shard) {
  int doublings = shard / 16;

  return SMALLEST << (doublings < 4 ? doublings : 4);
}

/* The lowest with room, so that few transfers stay together, and the higher ones fall idle. Where
** none has any, the emptiest. */
static struct pix_shard *choose(struct pix_shards *shards) {
  struct pix_shard *emptiest = &shards->shard[0];

  for (int i = 0; i < PIX_SHARDS; i++) {
    struct pix_shard *shard = &shards->shard[i];
    if (shard->multi == NULL && !open_shard(shards, shard)) break;
    if (i >= shards->open) shards->open = i + 1;
    if (shard->active < pix_shard_size(i)) return shard;
    if (i == 1 || shard->active < emptiest->active) emptiest = shard;
  }
  return emptiest;
}

CURLMcode pix_shards_add(struct pix_shards *shards, CURL *easy, bool spread,
                         struct pix_shard **shard) {
  CURLMcode code;

  *shard = spread ? choose(shards) : &shards->shard[0];
  code = curl_multi_add_handle((*shard)->multi, easy);
  if (code != CURLM_OK) return code;
  (*shard)->active++;
  (*shard)->due = true;
  shards->active++;
  return code;
}

void pix_shards_remove(struct pix_shards *shards, struct pix_shard *shard, CURL *easy,
                       int64_t now) {
  curl_multi_remove_handle(shard->multi, easy);
  shards->active--;
  shard->active--;
  shard->looked = now;
  shard->timer = 0;
}

void pix_shard_received(struct pix_shard *shard, size_t bytes) {
  shard->received += bytes;
}

/* A multi handle's timers change only in calls of its own: asking costs a look at the clock. */
static int64_t next_timer(struct pix_shard *shard, int64_t now) {
  long ms = -1;

  if (shard->timer != 0) return shard->timer;
  curl_multi_timeout(shard->multi, &ms);
  shard->timer = ms < 0 ? INT64_MAX : now + ms * MILLISECOND;
  return shard->timer;
}

/* Milliseconds until it is to be worked on, LOOK at most. */
static int time_left(struct pix_shard *shard, int64_t now) {
  int64_t end = shard->looked + LOOK * MILLISECOND, timer;

  if (shard->due || end <= now) return 0;
  timer = next_timer(shard, now);
  if (timer < end) end = timer;
  return end <= now ? 0 : (int)((end - now + MILLISECOND - 1) / MILLISECOND);
}

/* Without epoll only libcurl knows whether something has happened. */
static bool is_due(const struct pix_shards *shards, struct pix_shard *shard, int64_t now) {
  if (shards->epoll < 0) return true;
  return shard->active > 0 && time_left(shard, now) == 0;
}

struct pix_shard *pix_shards_next(struct pix_shards *shards, int *at, int64_t now) {
  while (*at < shards->open) {
    struct pix_shard *shard = &shards->shard[(*at)++];
    if (!is_due(shards, shard, now)) continue;
    shard->due = shard->received >= MUCH;
    shard->received = 0;
    shard->looked = now;
    shard->timer = 0;
    return shard;
  }
  return NULL;
}

/* The caller's descriptors and epoll's, side by side; false: no memory. */
static bool gather_fds(struct pix_shards *shards, const struct curl_waitfd *fds, unsigned count) {
  if (shards->room <= count) {
    struct curl_waitfd *more = realloc(shards->fds, (count + 16) * sizeof *more);
    if (more == NULL) return false;
    shards->fds = more;
    shards->room = count + 16;
  }
  if (count > 0) memcpy(shards->fds, fds, count * sizeof *fds);
  shards->fds[count] = (struct curl_waitfd){.fd = shards->epoll, .events = CURL_WAIT_POLLIN};
  return true;
}

CURLMcode pix_shards_poll(struct pix_shards *shards, struct curl_waitfd *fds, unsigned count,
                          int ms, int64_t now) {
  struct pix_shard *first = &shards->shard[0];
  int ready = 0;
  CURLMcode code;

  if (shards->epoll < 0) return curl_multi_poll(first->multi, fds, count, ms, NULL);
  for (int i = 1; i < shards->open; i++) {
    struct pix_shard *shard = &shards->shard[i];
    int left = shard->active > 0 ? time_left(shard, now) : ms;
    if (left < ms) ms = left;
  }
  if (!gather_fds(shards, fds, count)) return CURLM_OUT_OF_MEMORY;
  code = curl_multi_poll(first->multi, shards->fds, count + 1, ms, &ready);
  for (unsigned i = 0; i < count; i++) fds[i].revents = shards->fds[i].revents;
  if (shards->fds[count].revents != 0) take_events(shards);
  for (unsigned i = 0; i <= count; i++) ready -= shards->fds[i].revents != 0;
  if (ready > 0) first->due = true; /* the rest are its sockets */
  return code;
}

void pix_shards_tidy(struct pix_shards *shards, int64_t now) {
  for (int i = 1; i < shards->open; i++) {
    struct pix_shard *shard = &shards->shard[i];
    if (shard->multi == NULL || shard->active > 0 || now - shard->looked < IDLE) continue;
    curl_multi_cleanup(shard->multi);
    shard->multi = NULL;
  }
  while (shards->open > 1 && shards->shard[shards->open - 1].multi == NULL) shards->open--;
}
