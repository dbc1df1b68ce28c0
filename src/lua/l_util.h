/*
** l_util.h - what the binding files share: error objects, reading arguments.
*/
#ifndef PIX_L_UTIL_H
#define PIX_L_UTIL_H

#include "compat.h"
#include "../core/buf.h"
#include "../core/err.h"

/* Makes the metatable "pix.error" (once per state). */
void l_util_open(lua_State *L);

/* Pushes an error object made of err. provider and operation may be NULL. `extras` is the index of
** a table whose members are copied into the object (fields, id …), or 0. */
void l_push_error(lua_State *L, const struct pix_err *err, const char *provider,
                  const char *operation, int extras);

/* Pushes nil and the error; for `return l_fail(L, &err)`. */
int l_fail(lua_State *L, const struct pix_err *err);

/* The string at index, or PIX_EINVALID for field. Numbers are not taken for strings: an id or a
** card number that was written as a number has lost digits already. */
int l_text(lua_State *L, int index, const char *field, const char **text, size_t *len,
           struct pix_err *err);

/* core.error(table), core.is_error(value) */
int l_error_new(lua_State *L);
int l_error_is(lua_State *L);

/* Makes a userdata of `size` zeroed bytes with the metatable `type`, which must exist. Each begins
** with L_NOT_LOVE: LÖVE takes the first word of whatever is pushed into a channel for the pointer
** to its type, and refuses it only when that is NULL. */
#define L_NOT_LOVE const void *not_love
void *l_new(lua_State *L, size_t size, const char *type);

/* Pushes a buffer that ends with its userdata, also if an error passes by. May be ended earlier. */
struct pix_buf *l_buf(lua_State *L, size_t max);

/* Registers a class: metatable `type` whose __index is a table of `methods`; leaves nothing. Each
** function has the metatable as its first upvalue, for l_self. */
void l_class(lua_State *L, const char *type, const luaL_Reg *methods, const luaL_Reg *metamethods);

/* luaL_checkudata for argument 1 of a function that l_class registered, without the look into the
** registry: these are called several times for each payment. */
void *l_self(lua_State *L, const char *type);

#endif
