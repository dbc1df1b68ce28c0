/*
** codec_reply.c - reading what lua-cjson made of a body, by reply rows. A provider's reply is not
** trusted: types are looked at, ids are checked as a caller's would be, access is raw.
*/
#include "interpreter.h"

#include <stdio.h>
#include <string.h>

#include "../core/money.h"
#include "../core/text.h"

/* Pushes the table that the body is, or nil. cjson raises on what is no JSON, hence the pcall. */
bool pix_reply_parse(lua_State *L, int decoder, const char *body, size_t len) {
  lua_pushvalue(L, decoder);
  lua_pushlstring(L, body != NULL ? body : "", len);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TTABLE) return true;
  lua_pop(L, 1);
  lua_pushnil(L);
  return false;
}

int pix_reply_path(lua_State *L, int index, const char *path) {
  lua_pushvalue(L, index);
  for (;;) {
    size_t len = strcspn(path, ".");
    if (lua_type(L, -1) == LUA_TTABLE) {
      if (path[len] == '\0')
        lua_pushstring(L, path); /* 5.4 keeps what it made of a C string's address */
      else
        lua_pushlstring(L, path, len);
      lua_rawget(L, -2);
    } else {
      lua_pushnil(L);
    }
    lua_replace(L, -2);
    if (path[len] == '\0') return lua_type(L, -1);
    path += len + 1;
  }
}

/* The string at the end of the path; absent if it is none. The table keeps it alive. */
struct pix_span pix_reply_text(lua_State *L, int index, const char *path) {
  struct pix_span out = {NULL, 0};

  if (pix_reply_path(L, index, path) == LUA_TSTRING) out.data = lua_tolstring(L, -1, &out.len);
  lua_pop(L, 1);
  return out;
}

static void read_id(lua_State *L, int index, const char *path, struct pix_item *item) {
  int64_t number;

  switch (pix_reply_path(L, index, path)) {
  case LUA_TNUMBER: /* P5: venda.id is 91 in one place and "91" in another */
    if (pix_l_toint64(L, -1, &number) && number >= 0)
      snprintf(item->id, sizeof item->id, "%lld", (long long)number);
    break;
  case LUA_TSTRING: {
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    if (pix_text_check(text, len, PIX_MAX_ID, "id", NULL) == PIX_OK &&
        !pix_text_is(text, len, ".") && !pix_text_is(text, len, ".."))
      memcpy(item->id, text, len + 1);
    break;
  }
  default: break;
  }
  lua_pop(L, 1);
}

static void read_status(lua_State *L, int index, const char *path,
                        const struct pix_status_row *rows, struct pix_item *item) {
  struct pix_span word = pix_reply_text(L, index, path);

  if (word.data == NULL || word.len == 0) return;
  pix_err_copy(item->raw_status, sizeof item->raw_status, word.data, word.len);
  item->status = PIX_STATUS_UNKNOWN;
  for (; rows->word != NULL; rows++)
    if (pix_text_is(word.data, word.len, rows->word)) item->status = rows->status;
}

/* S4, P5: a number or a string. A string is read exactly; a number was rounded by the decoder to a
** double, which still tells every centavo up to PIX_MAX_MONEY. */
static void read_amount(lua_State *L, int index, const char *path, enum pix_money_form form,
                        struct pix_item *item) {
  int unit = form == PIX_MONEY_CENTAVOS ? 1 : 100;
  int type = pix_reply_path(L, index, path);
  int64_t amount = -1;
  int rc = PIX_EPROTOCOL;

  if (type == LUA_TNUMBER) {
    rc = pix_money_from_double(lua_tonumber(L, -1), unit, &amount, NULL);
  } else if (type == LUA_TSTRING) {
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    rc = pix_money_parse(text, len, &amount, NULL);
    if (rc == PIX_OK && unit == 1) {
      rc = amount % 100 == 0 ? PIX_OK : PIX_EPROTOCOL;
      amount /= 100;
    }
  }
  if (type == LUA_TNUMBER || type == LUA_TSTRING) {
    item->bad_amount = rc != PIX_OK;
    item->amount = rc == PIX_OK ? amount : -1;
  }
  lua_pop(L, 1);
}

static void read_success(lua_State *L, int index, const char *path, struct pix_item *item) {
  item->refused = pix_reply_path(L, index, path) == LUA_TBOOLEAN && !lua_toboolean(L, -1);
  lua_pop(L, 1);
}

static void read_row(lua_State *L, int index, const struct pix_account *account,
                     const struct pix_reply_row *row, const struct pix_status_row *statuses,
                     struct pix_item *item) {
  switch (row->target) {
  case PIX_TO_ID:
    if (item->id[0] == '\0') read_id(L, index, row->path, item);
    break;
  case PIX_TO_STATUS:
    if (item->status == NULL) read_status(L, index, row->path, statuses, item);
    break;
  case PIX_TO_AMOUNT:
  case PIX_TO_REAIS:
    if (item->amount < 0 && !item->bad_amount)
      read_amount(L, index, row->path,
                  row->target == PIX_TO_AMOUNT && account != NULL ? pix_account_money(account)
                                                                  : PIX_MONEY_REAIS,
                  item);
    break;
  case PIX_TO_SUCCESS: read_success(L, index, row->path, item); break;
  default:
    if (item->texts[row->target].data == NULL)
      item->texts[row->target] = pix_reply_text(L, index, row->path);
    break;
  }
}

void pix_reply_item(lua_State *L, int index, const struct pix_account *account,
                    const struct pix_provider *provider, const struct pix_reply_row *rows,
                    const struct pix_status_row *statuses, struct pix_item *item) {
  memset(item, 0, sizeof *item);
  item->amount = -1;
  if (statuses == NULL) statuses = provider->statuses;
  for (; rows->target != PIX_TO_NONE; rows++) read_row(L, index, account, rows, statuses, item);
  if (provider->review != NULL) provider->review(L, index, item);
}
