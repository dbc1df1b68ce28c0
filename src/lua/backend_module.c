/*
** backend_module.c - what makes a back end of the journal a Lua module. Compiled once for each,
** with PIX_BACKEND_OPEN the name of its one exported symbol.
*/
#include <dlfcn.h>

#include "l_journal.h"
#include "../core/journal_backend.h"

PIX_EXPORT int PIX_BACKEND_OPEN(lua_State *L);

/* As with pix.core: a journal's thread may be in this code when the VM unloads its modules. */
static void pin(void) {
  Dl_info info;

  if (dladdr((const void *)&pix_journal_backend, &info) != 0 && info.dli_fname != NULL)
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
}

PIX_EXPORT int PIX_BACKEND_OPEN(lua_State *L) {
  struct l_backend *backend = lua_newuserdata(L, sizeof *backend);

  pin();
  backend->abi = PIX_JOURNAL_ABI;
  backend->verbs = &pix_journal_backend;
  if (luaL_newmetatable(L, L_BACKEND)) {
    lua_pushliteral(L, "pix");
    lua_setfield(L, -2, "__metatable");
  }
  lua_setmetatable(L, -2);
  return 1;
}
