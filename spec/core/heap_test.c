/*
** heap_test.c - the heap of moments.
*/
#include "../../src/core/heap.h"

#include "../support/check.h"

#define MANY 1000

struct thing {
  int64_t when;
  int number;
  size_t place;
};

static struct thing things[MANY];
static int order[MANY];
static int count;

static void due(void *context, void *item) {
  CHECK(context == order);
  order[count++] = ((struct thing *)item)->number;
}

/* A fixed sequence that looks random. */
static uint32_t next_number(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static void fill(struct pix_heap *heap, uint32_t span) {
  uint32_t seed = 7;

  count = 0;
  pix_heap_init(heap);
  for (int i = 0; i < MANY; i++) {
    things[i] = (struct thing){next_number(&seed) % span, i, 0};
    CHECK(pix_heap_put(heap, things[i].when, &things[i].place, &things[i], due));
  }
}

static void comes_out_in_order(void) {
  struct pix_heap heap;

  fill(&heap, 1u << 20);
  pix_heap_run(&heap, 1 << 20, order);
  CHECK_INT(MANY, count);
  for (int i = 1; i < count; i++) CHECK(things[order[i - 1]].when <= things[order[i]].when);
  CHECK(pix_heap_top(&heap) == NULL);
  pix_heap_fini(&heap);
}

static void equal_moments_keep_their_order(void) {
  struct pix_heap heap;

  fill(&heap, 4);
  pix_heap_run(&heap, 4, order);
  CHECK_INT(MANY, count);
  for (int i = 1; i < count; i++) {
    const struct thing *a = &things[order[i - 1]], *b = &things[order[i]];
    CHECK(a->when < b->when || (a->when == b->when && a->number < b->number));
  }
  pix_heap_fini(&heap);
}

static void only_what_is_due_comes_out(void) {
  struct pix_heap heap;

  fill(&heap, 1000);
  pix_heap_run(&heap, 499, order);
  CHECK(count > 0 && count < MANY);
  for (int i = 0; i < count; i++) CHECK(things[order[i]].when <= 499);
  CHECK(pix_heap_top(&heap)->when > 499);
  CHECK_INT(MANY - count, heap.len);
  pix_heap_fini(&heap);
}

static void what_was_removed_does_not_come_out(void) {
  struct pix_heap heap;

  fill(&heap, 1u << 16);
  for (int i = 0; i < MANY; i += 3) pix_heap_remove(&heap, &things[i].place);
  for (int i = 0; i < MANY; i += 3) pix_heap_remove(&heap, &things[i].place); /* twice is fine */
  pix_heap_run(&heap, 1 << 16, order);
  CHECK_INT(MANY - (MANY + 2) / 3, count);
  for (int i = 0; i < count; i++) CHECK(order[i] % 3 != 0);
  for (int i = 1; i < count; i++) CHECK(things[order[i - 1]].when <= things[order[i]].when);
  pix_heap_fini(&heap);
}

static void a_place_is_zero_once_out(void) {
  struct pix_heap heap;

  fill(&heap, 100);
  pix_heap_run(&heap, 100, order);
  for (int i = 0; i < MANY; i++) CHECK_INT(0, things[i].place);
  pix_heap_fini(&heap);
}

static struct pix_heap again;

static void put_again(void *context, void *item) {
  struct thing *thing = item;

  order[count++] = thing->number;
  if (count < 5) CHECK(pix_heap_put(&again, thing->when, &thing->place, thing, put_again));
  (void)context;
}

static void due_may_put_itself_again(void) {
  struct thing thing = {3, 1, 0};

  count = 0;
  pix_heap_init(&again);
  CHECK(pix_heap_put(&again, 3, &thing.place, &thing, put_again));
  pix_heap_run(&again, 2, NULL);
  CHECK_INT(0, count);
  pix_heap_run(&again, 3, NULL);
  CHECK_INT(5, count);
  pix_heap_fini(&again);
}

static const struct check_test tests[] = {
    {"the earliest comes out first", comes_out_in_order},
    {"equal moments come out in the order they were put in", equal_moments_keep_their_order},
    {"what is not due stays", only_what_is_due_comes_out},
    {"what was removed does not come out, and the order holds", what_was_removed_does_not_come_out},
    {"a place is zero once its item is out", a_place_is_zero_once_out},
    {"a due item may be put in again", due_may_put_itself_again},
};

CHECK_MAIN(tests)
