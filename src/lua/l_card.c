/*
** l_card.c - pix.card{…}: a card in C memory that is wiped. Nothing can be read back out of it.
*/
#include "l_tools.h"

#include <string.h>

#include "l_util.h"
#include "../core/card.h"
#include "../provider/codec.h"

static int card__gc(lua_State *L) {
  struct pix_card_object *object = l_self(L, PIX_CARD_TYPE);

  pix_card_fini(&object->card);
  return 0;
}

static int card__tostring(lua_State *L) {
  l_self(L, PIX_CARD_TYPE);
  lua_pushliteral(L, "pix.card (" PIX_REDACTED ")");
  return 1;
}

void l_card_open(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg metamethods[] = {
      {"__gc", card__gc}, {"__tostring", card__tostring}, {NULL, NULL}};

  l_class(L, PIX_CARD_TYPE, methods, metamethods);
}

static bool known_member(const char *name) {
  static const char *const names[] = {"number", "cvv", "expiry", "holder", "validate"};

  for (size_t at = 0; at < PIX_COUNT(names); at++)
    if (strcmp(name, names[at]) == 0) return true;
  return false;
}

static int check_members(lua_State *L, struct pix_err *err) {
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING && known_member(lua_tostring(L, -2))) continue;
    lua_pop(L, 2);
    pix_err_set(err, PIX_EINVALID, "card", "a card has number, cvv, expiry and holder only");
    return err->kind;
  }
  return PIX_OK;
}

/* The four members are strings: a number would have lost leading zeros. */
static int fill(lua_State *L, struct pix_card *card, bool strict, struct pix_err *err) {
  const char *text;
  size_t len;

  lua_getfield(L, 1, "number");
  if (l_text(L, -1, "card.number", &text, &len, err) != PIX_OK ||
      pix_card_set_number(card, text, len, strict, err) != PIX_OK)
    return err->kind;
  lua_getfield(L, 1, "cvv");
  if (l_text(L, -1, "card.cvv", &text, &len, err) != PIX_OK ||
      pix_card_set_cvv(card, text, len, err) != PIX_OK)
    return err->kind;
  lua_getfield(L, 1, "expiry");
  if (l_text(L, -1, "card.expiry", &text, &len, err) != PIX_OK ||
      pix_card_set_expiry(card, text, len, err) != PIX_OK)
    return err->kind;
  lua_getfield(L, 1, "holder");
  if (l_text(L, -1, "card.holder", &text, &len, err) != PIX_OK ||
      pix_card_set_holder(card, text, len, err) != PIX_OK)
    return err->kind;
  return PIX_OK;
}

int l_card_new(lua_State *L) {
  struct pix_card *card;
  struct pix_err err;
  bool strict;

  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "validate");
  strict = lua_isnil(L, -1) || lua_toboolean(L, -1);
  lua_settop(L, 1);
  card = &((struct pix_card_object *)l_new(L, sizeof(struct pix_card_object), PIX_CARD_TYPE))->card;
  if (check_members(L, &err) != PIX_OK || fill(L, card, strict, &err) != PIX_OK) {
    pix_card_fini(card);
    return l_fail(L, &err);
  }
  lua_settop(L, 2);
  return 1;
}
