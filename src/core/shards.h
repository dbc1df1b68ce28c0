/*
** shards.h - libcurl's multi handles in one loop.
**
** libcurl looks for a kept connection by walking all those to the host, one by one, and looks at
** every transfer of a multi handle whenever any of them can go on: with many under way that is most
** of the work, and until it is done no other answer is seen. So the first handle, the *first
** shard*, takes eight transfers, and more go to further ones, which are opened when they are needed
** and closed when they no longer are. The further up, the larger (pix_shard_size): a handle costs
** memory and descriptors of its own. Only those are worked on in which something happened.
** Connections are kept within a shard; a server that speaks HTTP/2 has all its transfers in the
** first one, where they can share one.
**
** curl_multi_poll watches the first shard. The sockets of the others are in one epoll descriptor,
** which is among what it watches; each is put there once, when libcurl opens it, and is told of
** when more can be read or written than before. What that might miss is bounded: a shard that has
** just read much is worked on again at once, and any with transfers ten times a second.
** Where there is no epoll everything is in the first shard.
**
** All of it belongs to whoever has the baton (reactor_impl.h), but for curl_multi_wakeup on the
** first handle.
*/
#ifndef PIX_SHARDS_H
#define PIX_SHARDS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#define PIX_SHARDS 128

struct pix_shard {
  CURLM *multi;    /* NULL: closed */
  int epoll;       /* watches its sockets; -1: the first */
  int active;      /* transfers in it */
  size_t received; /* bytes since it was last worked on */
  int64_t looked;  /* ns; when that was */
  int64_t timer;   /* ns; when libcurl's next timer in it ends; 0: ask */
  bool due;        /* work on it in this turn */
};

struct pix_shards {
  struct pix_shard shard[PIX_SHARDS]; /* 0 is the first, and always open */
  int open;                           /* above the highest that is open */
  int active;                         /* transfers in all of them */
  int epoll;                          /* -1: none yet */
  struct curl_waitfd *fds;            /* what poll watches besides the first shard */
  unsigned room;
};

/* Transfers in one, unless all are full: 8, and twice as many every 16 shards, up to 128. */
int pix_shard_size(int shard);

/* False: no memory. */
bool pix_shards_init(struct pix_shards *shards);
void pix_shards_fini(struct pix_shards *shards); /* after the last transfer was removed */

/* Puts an easy handle into a shard: the first, or any if `spread`. *shard is where; see watch. */
CURLMcode pix_shards_add(struct pix_shards *shards, CURL *easy, bool spread,
                         struct pix_shard **shard);
void pix_shards_remove(struct pix_shards *shards, struct pix_shard *shard, CURL *easy, int64_t now);

/* libcurl has opened a socket for a transfer of this shard, or received bytes of it. */
void pix_shard_watch(struct pix_shard *shard, int fd);
void pix_shard_received(struct pix_shard *shard, size_t bytes);

/* The next shard that is due, which then no longer is; NULL: none. *at is 0 at first. */
struct pix_shard *pix_shards_next(struct pix_shards *shards, int *at, int64_t now);

/* Sleeps until something can be done, `ms` at most, as curl_multi_poll does; marks the shards that
** are due. `fds` are the caller's own, with revents set. */
CURLMcode pix_shards_poll(struct pix_shards *shards, struct curl_waitfd *fds, unsigned count,
                          int ms, int64_t now);

/* Closes those that have been without a transfer for half a minute. */
void pix_shards_tidy(struct pix_shards *shards, int64_t now);

#endif
