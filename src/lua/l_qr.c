/*
** l_qr.c - pix.qr(text, format, options): QR codes as pictures, text, or a matrix.
*/
#include "l_tools.h"

#include "l_util.h"
#include "../core/qr.h"

#define MAX_PICTURE (16 * 1024 * 1024)

enum format { FORMAT_PNG, FORMAT_SVG, FORMAT_TEXT, FORMAT_MATRIX };

#define QR_TYPE "pix.qr"

/* What is being drawn: ended with its userdata, also if Lua raises meanwhile. */
struct drawing {
  L_NOT_LOVE;
  struct pix_qr qr;
};

static int drawing__gc(lua_State *L) {
  struct drawing *drawing = l_self(L, QR_TYPE);

  pix_qr_fini(&drawing->qr);
  return 0;
}

void l_qr_open(lua_State *L) {
  static const luaL_Reg ends[] = {{"__gc", drawing__gc}, {NULL, NULL}};

  l_class(L, QR_TYPE, ends + 1, ends);
}

static int option_int(lua_State *L, const char *name, int low, int high, int otherwise) {
  lua_Integer value = otherwise;

  lua_getfield(L, 3, name);
  if (!lua_isnil(L, -1)) value = luaL_checkinteger(L, -1);
  lua_pop(L, 1);
  if (value < low || value > high) luaL_error(L, "qr: option %s must be %d … %d", name, low, high);
  return (int)value;
}

static enum pix_qr_level option_level(lua_State *L) {
  static const char *const words[] = {"L", "M", "Q", "H", NULL};
  int level;

  lua_getfield(L, 3, "level");
  level = luaL_checkoption(L, -1, "M", words);
  lua_pop(L, 1);
  return (enum pix_qr_level)level;
}

static void push_matrix(lua_State *L, const struct pix_qr *qr) {
  lua_createtable(L, qr->size, 0);
  for (int y = 0; y < qr->size; y++) {
    lua_createtable(L, qr->size, 0);
    for (int x = 0; x < qr->size; x++) {
      lua_pushboolean(L, qr->modules[y * qr->size + x] & 1);
      lua_rawseti(L, -2, x + 1);
    }
    lua_rawseti(L, -2, y + 1);
  }
}

static int draw(const struct pix_qr *qr, enum format format, const struct pix_qr_style *style,
                struct pix_buf *out, struct pix_err *err) {
  if (format == FORMAT_PNG) return pix_qr_png(qr, style, out, err);
  if (format == FORMAT_SVG) return pix_qr_svg(qr, style, out, err);
  return pix_qr_text(qr, style, out, err);
}

int l_qr(lua_State *L) {
  static const char *const formats[] = {"png", "svg", "text", "matrix", NULL};
  enum format format = (enum format)luaL_checkoption(L, 2, "text", formats);
  struct pix_qr_style style;
  enum pix_qr_level level;
  struct pix_buf *out;
  struct pix_err err;
  struct pix_qr *qr;
  const char *text;
  size_t len;

  lua_settop(L, 3);
  if (lua_isnil(L, 3)) {
    lua_newtable(L);
    lua_replace(L, 3);
  }
  luaL_checktype(L, 3, LUA_TTABLE);
  style.scale = option_int(L, "scale", 1, 64, 8);
  style.margin = option_int(L, "margin", 0, 16, 4);
  level = option_level(L);
  lua_getfield(L, 3, "colour");
  style.colour = lua_toboolean(L, -1);
  if (l_text(L, 1, "text", &text, &len, &err) != PIX_OK) return l_fail(L, &err);
  qr = &((struct drawing *)l_new(L, sizeof(struct drawing), QR_TYPE))->qr;
  if (pix_qr_encode(text, len, level, qr, &err) != PIX_OK) return l_fail(L, &err);
  if (format == FORMAT_MATRIX) {
    push_matrix(L, qr);
    pix_qr_fini(qr);
    return 1;
  }
  out = l_buf(L, MAX_PICTURE);
  if (draw(qr, format, &style, out, &err) != PIX_OK) return l_fail(L, &err);
  lua_pushlstring(L, pix_buf_text(out), out->len);
  pix_qr_fini(qr);
  pix_buf_fini(out);
  return 1;
}
