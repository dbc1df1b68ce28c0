/*
** heap.h - a binary heap of moments: what comes first is on top, and of equal moments the one put
** in first. Whoever is in the heap holds a *place* (a size_t of his own, 0 = not in), which the
** heap keeps up to date, so that leaving early costs O(log n).
*/
#ifndef PIX_HEAP_H
#define PIX_HEAP_H

#include "base.h"

struct pix_heap_entry {
  int64_t when; /* nanoseconds on the reactor's clock */
  uint64_t order;
  size_t *place; /* the holder's: index + 1 */
  void *item;
  void (*due)(void *context, void *item);
};

struct pix_heap {
  struct pix_heap_entry *entries; /* owned */
  size_t len;
  size_t cap;
  uint64_t puts; /* gives equal moments their order */
};

void pix_heap_init(struct pix_heap *heap);
void pix_heap_fini(struct pix_heap *heap); /* items belong to their owners */

/* False: out of memory, and nothing changed. *place must be 0; the heap refers to it until the
** item leaves. */
bool pix_heap_put(struct pix_heap *heap, int64_t when, size_t *place, void *item,
                  void (*due)(void *context, void *item));
/* Takes the item out, if it is in. */
void pix_heap_remove(struct pix_heap *heap, size_t *place);

/* The earliest, or NULL; valid until the next change. */
const struct pix_heap_entry *pix_heap_top(const struct pix_heap *heap);

/* Takes out what is due at `now` and calls due(context, item), one after the other, in order. due
** may put and remove; what it puts at or before `now` is due as well. */
void pix_heap_run(struct pix_heap *heap, int64_t now, void *context);

#endif
