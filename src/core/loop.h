/*
** loop.h - what the reactor offers to the code that runs on its thread (http.c, timer.c). Nothing
** here may be called from the owner's thread while the reactor's thread lives; in a virtual
** reactor the owner's thread stands in for it.
*/
#ifndef PIX_LOOP_H
#define PIX_LOOP_H

#include <curl/curl.h>
#include <sys/types.h>

#include "reactor.h"

struct pix_shard;

/* Something that libcurl works on: the easy handle's CURLOPT_PRIVATE points to it. */
struct pix_transfer {
  CURL *easy;
  struct pix_shard *shard; /* where it is: shards.h wants to hear of its sockets and bytes */
  /* The transfer is over; the easy handle is still in the multi handle. */
  void (*done)(struct pix_reactor *reactor, struct pix_transfer *transfer, CURLcode code);
};

/* Hands a transfer to libcurl. Nothing is sent before the present batch of cancels is through.
** spread: its server has one exchange at a time on a connection (HTTP/1). */
CURLMcode pix_loop_add(struct pix_reactor *reactor, struct pix_transfer *transfer, bool spread);
void pix_loop_remove(struct pix_reactor *reactor, struct pix_transfer *transfer);

/* Calls due(reactor, item) on this thread in `seconds`; place as in heap.h. False: no memory. */
bool pix_loop_after(struct pix_reactor *reactor, double seconds, size_t *place, void *item,
                    void (*due)(void *reactor, void *item));
void pix_loop_forget(struct pix_reactor *reactor, size_t *place);

/* True once the reactor is closing: start nothing more. */
bool pix_loop_stopping(const struct pix_reactor *reactor);

/* The process that made the reactor. */
pid_t pix_loop_pid(const struct pix_reactor *reactor);

#endif
