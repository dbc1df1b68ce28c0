/*
** l_hub.c - what a hub keeps for the tasks of its reactor: their anchors, and the requests of
** calls, which are used again with the memory of their texts. The rest of it is in l_reactor.c.
*/
#include "l_hub.h"

#include <stdlib.h>

#include "../provider/codec.h"

/* None where a sanitizer is to see each request end. */
#ifdef __SANITIZE_ADDRESS__
#define MOST_SPARE 0
#else
#define MOST_SPARE 64
#endif

struct l_spare {
  struct pix_request request; /* first */
  struct l_spare *next;
};

struct pix_request *l_hub_request(struct l_hub *hub) {
  struct l_spare *spare = hub->spares;

  if (spare != NULL) {
    hub->spares = spare->next;
    hub->spare_count--;
    return &spare->request;
  }
  spare = malloc(sizeof *spare);
  if (spare == NULL) return NULL;
  pix_request_init(&spare->request);
  return &spare->request;
}

void l_hub_put_request(struct l_hub *hub, struct pix_request *request) {
  struct l_spare *spare = (struct l_spare *)request;

  if (hub->spare_count >= MOST_SPARE) {
    pix_request_fini(request);
    free(spare);
    return;
  }
  pix_request_clear(request);
  spare->next = hub->spares;
  hub->spares = spare;
  hub->spare_count++;
}

struct l_hub *l_hub_ref(struct l_hub *hub) {
  hub->references++;
  return hub;
}

void l_hub_unref(struct l_hub *hub) {
  if (hub == NULL || --hub->references > 0) return;
  while (hub->spares != NULL) {
    struct l_spare *spare = hub->spares;
    hub->spares = spare->next;
    pix_request_fini(&spare->request);
    free(spare);
  }
  free(hub);
}

bool l_hub_usable(const struct l_hub *hub) {
  if (hub == NULL || hub->reactor == NULL) return false;
  return hub->is_virtual || pix_reactor_alive(hub->reactor);
}

void l_hub_anchor(lua_State *L, struct l_hub *hub, int index, struct l_task *task) {
  if (task->anchor != LUA_NOREF) return;
  index = lua_absindex(L, index);
  lua_rawgeti(L, LUA_REGISTRYINDEX, hub->anchors);
  lua_pushvalue(L, index);
  task->anchor = luaL_ref(L, -2);
  lua_pop(L, 1);
}

void l_hub_release(lua_State *L, struct l_hub *hub, struct l_task *task) {
  if (task->anchor == LUA_NOREF || task->ops > 0) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, hub->anchors);
  luaL_unref(L, -1, task->anchor);
  lua_pop(L, 1);
  task->anchor = LUA_NOREF;
}

void l_hub_push(lua_State *L, const struct l_hub *hub, const struct l_task *task) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, hub->anchors);
  lua_rawgeti(L, -1, task->anchor);
  lua_remove(L, -2);
}

uint64_t l_hub_resubmit(struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  op->owner = task;
  task->ops++;
  return pix_reactor_submit(hub->reactor, op);
}
