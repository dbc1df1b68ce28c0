/*
** l_tools.h - the functions of pix.core that need neither a reactor nor a provider.
*/
#ifndef PIX_L_TOOLS_H
#define PIX_L_TOOLS_H

#include "compat.h"

struct pix_err;

/* The amount at index, whole centavos or text in reais; PIX_EINVALID for field "amount". */
int l_money_read(lua_State *L, int index, int64_t *centavos, struct pix_err *err);

/* l_tools.c */
int l_money(lua_State *L);       /* money(value) → centavos */
int l_format(lua_State *L);      /* format(centavos) → "R$ 19,90" */
int l_decimal(lua_State *L);     /* decimal(centavos) → "19.90" */
int l_tax_id(lua_State *L);      /* tax_id(text) → "cpf" | "cnpj", digits */
int l_phone(lua_State *L);       /* phone(text) → "+55…" */
int l_date(lua_State *L);        /* date(epoch) → "YYYY-MM-DDTHH:MM:SS" in São Paulo */
int l_date_parse(lua_State *L);  /* date_parse(text) → epoch */
int l_json_decode(lua_State *L); /* json_decode(text) → value */
int l_sha256(lua_State *L);      /* hex_sha256(text) */
int l_base64(lua_State *L);      /* base64(bytes) → text */
int l_from_base64(lua_State *L); /* from_base64(text) → bytes */
int l_random(lua_State *L);      /* random(n) → 2n hex digits */
int l_versions(lua_State *L);    /* versions() → { library = version } */
int l_yieldable(lua_State *L);   /* yieldable() → can the calling coroutine be suspended? */

/* l_brcode.c, l_qr.c, l_card.c, l_webhook.c */
int l_brcode_decode(lua_State *L);
int l_brcode_encode(lua_State *L);
void l_qr_open(lua_State *L);
int l_qr(lua_State *L);
void l_card_open(lua_State *L);
int l_card_new(lua_State *L);
void l_webhook_open(lua_State *L);
int l_webhook(lua_State *L);

#endif
