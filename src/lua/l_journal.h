/*
** l_journal.h - the journal as a Lua object, and how a back end's module hands itself over.
*/
#ifndef PIX_L_JOURNAL_H
#define PIX_L_JOURNAL_H

#include "compat.h"
#include "../core/journal.h"

#define L_BACKEND "pix.journal.backend" /* metatable of what a back end's module returns */

/* What require "pix.journal_sqlite" gives. The number comes first and never moves: a module of
** another version is told by it. */
struct l_backend {
  uint32_t abi;
  const struct pix_journal_backend *verbs; /* static, in a module that stays loaded */
};

void l_journal_open(lua_State *L);

/* core.journal(backend, where, patience) → journal | nil, err */
int l_journal_new(lua_State *L);

#endif
