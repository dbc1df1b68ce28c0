/*
** doorbell.h - a unix socket at which processes of an event loop that can wait on sockets only
** (nginx) wait for an op. The protocol stands in reactor.h. new, path and free are the owner's;
** all else belongs to the reactor's thread.
*/
#ifndef PIX_DOORBELL_H
#define PIX_DOORBELL_H

#include <curl/curl.h>

#include "err.h"

struct pix_doorbell;

#define PIX_DOORBELL_ALL UINT64_MAX /* instead of an id: whatever comes to be drained */

/* Makes the directory and listens. */
int pix_doorbell_new(struct pix_doorbell **out, struct pix_err *err);
const char *pix_doorbell_path(const struct pix_doorbell *bell);
/* Closes all connections, removes socket and directory. */
void pix_doorbell_free(struct pix_doorbell *bell);
/* In a forked child: closes its copy of the listening socket, and leaves all else alone. */
void pix_doorbell_abandon(struct pix_doorbell *bell);

/* What curl_multi_poll shall watch; valid until the next call of turn. Returns their number. */
unsigned pix_doorbell_fds(struct pix_doorbell *bell, struct curl_waitfd **fds);

/* Serves what poll reported. unfinished(context, id) tells whether that op is still under way, and
** promises a mark if so; PIX_DOORBELL_ALL: whether nothing waits to be drained, and promises a mark
** whenever that changes. `now` in nanoseconds. */
void pix_doorbell_turn(struct pix_doorbell *bell, int64_t now,
                       bool (*unfinished)(void *context, uint64_t id), void *context);

/* It does not listen for now, being out of descriptors: come back in 100 ms. */
bool pix_doorbell_paused(const struct pix_doorbell *bell);

/* Op `id` is finished, or PIX_DOORBELL_ALL: something is to be drained. Whoever waits for it gets
** his byte at the next ring. No I/O. */
void pix_doorbell_mark(struct pix_doorbell *bell, uint64_t id);
void pix_doorbell_ring(struct pix_doorbell *bell);

#endif
