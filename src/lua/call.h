/*
** call.h - one operation as a small state machine: token → send → (401: renew once) → decode.
*/
#ifndef PIX_CALL_H
#define PIX_CALL_H

#include "l_future.h"

/* provider:start(operation, arguments) → future */
int l_call_start(lua_State *L);

/* The future at index 1 is to end early. */
void l_call_cancel(lua_State *L, struct l_future *future);

/* The op whose end moves this future next; 0 when it is ready. */
uint64_t l_call_op(const struct l_future *future);

/* The provider's token exchange has ended: resumes, or fails, every call that waited for it. */
void l_call_token_advance(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op);

/* The same if that raised: the calls that wait are lost, as nothing of theirs has left. */
void l_call_token_lose(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op);

/* Ends every call that waits for the provider's token, sent "no"; never raises. */
void l_call_lose(lua_State *L, struct l_provider *self, enum pix_kind kind, const char *why);

/* Its reactor was closed: it waits for nothing any more. */
void l_call_abandon(lua_State *L, struct l_future *future);

/* Frees what a call holds; safe twice. */
void l_call_fini(lua_State *L, struct l_future *future);

#endif
