/*
** heap.c - a binary heap of moments; see heap.h. Used by one thread at a time.
*/
#include "heap.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64

void pix_heap_init(struct pix_heap *heap) {
  memset(heap, 0, sizeof *heap);
}

void pix_heap_fini(struct pix_heap *heap) {
  free(heap->entries);
  pix_heap_init(heap);
}

static bool before(const struct pix_heap_entry *a, const struct pix_heap_entry *b) {
  return a->when != b->when ? a->when < b->when : a->order < b->order;
}

static void settle(struct pix_heap *heap, size_t at, const struct pix_heap_entry *entry) {
  heap->entries[at] = *entry;
  *entry->place = at + 1;
}

static void sift_up(struct pix_heap *heap, size_t at, const struct pix_heap_entry *entry) {
  while (at > 0 && before(entry, &heap->entries[(at - 1) / 2])) {
    settle(heap, at, &heap->entries[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
  settle(heap, at, entry);
}

static void sift_down(struct pix_heap *heap, size_t at, const struct pix_heap_entry *entry) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap->len) break;
    if (child + 1 < heap->len && before(&heap->entries[child + 1], &heap->entries[child])) child++;
    if (!before(&heap->entries[child], entry)) break;
    settle(heap, at, &heap->entries[child]);
    at = child;
  }
  settle(heap, at, entry);
}

static bool make_room(struct pix_heap *heap) {
  size_t cap = heap->cap > 0 ? heap->cap * 2 : FIRST_CAPACITY;
  struct pix_heap_entry *entries;

  if (heap->len < heap->cap) return true;
  entries = realloc(heap->entries, cap * sizeof *entries);
  if (entries == NULL) return false;
  heap->entries = entries;
  heap->cap = cap;
  return true;
}

bool pix_heap_put(struct pix_heap *heap, int64_t when, size_t *place, void *item,
                  void (*due)(void *context, void *item)) {
  struct pix_heap_entry entry = {when, heap->puts, place, item, due};

  if (!make_room(heap)) return false;
  heap->puts++;
  sift_up(heap, heap->len++, &entry);
  return true;
}

void pix_heap_remove(struct pix_heap *heap, size_t *place) {
  struct pix_heap_entry last;
  size_t at = *place;

  if (at == 0) return;
  *place = 0;
  last = heap->entries[--heap->len];
  if (--at == heap->len) return;
  if (at > 0 && before(&last, &heap->entries[(at - 1) / 2]))
    sift_up(heap, at, &last);
  else
    sift_down(heap, at, &last);
}

const struct pix_heap_entry *pix_heap_top(const struct pix_heap *heap) {
  return heap->len > 0 ? heap->entries : NULL;
}

void pix_heap_run(struct pix_heap *heap, int64_t now, void *context) {
  while (heap->len > 0 && heap->entries[0].when <= now) {
    struct pix_heap_entry entry = heap->entries[0];
    pix_heap_remove(heap, entry.place);
    entry.due(context, entry.item);
  }
}
