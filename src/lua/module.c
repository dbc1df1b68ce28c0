/*
** module.c - luaopen_pix_core: the one exported symbol. docs/internals/core.md is the contract.
*/
#include <dlfcn.h>
#include <curl/curl.h>

#include "compat.h"
#include "l_future.h"
#include "l_hub.h"
#include "l_journal.h"
#include "l_provider.h"
#include "l_token.h"
#include "l_tools.h"
#include "l_util.h"
#include "../core/base.h"

static const luaL_Reg functions[] = {
    {"reactor", l_reactor_current},
    {"virtual", l_reactor_virtual},
    {"use", l_reactor_use},
    {"nap", l_future_nap},
    {"quiet", l_future_quiet},
    {"timer", l_future_timer},
    {"promise", l_future_promise},
    {"journal", l_journal_new},
    {"provider", l_provider_new},
    {"providers", l_provider_names},
    {"provider_facts", l_provider_facts},
    {"error", l_error_new},
    {"is_error", l_error_is},
    {"card", l_card_new},
    {"money", l_money},
    {"format", l_format},
    {"decimal", l_decimal},
    {"tax_id", l_tax_id},
    {"phone", l_phone},
    {"date", l_date},
    {"date_parse", l_date_parse},
    {"brcode_decode", l_brcode_decode},
    {"brcode_encode", l_brcode_encode},
    {"qr", l_qr},
    {"webhook", l_webhook},
    {"json_decode", l_json_decode},
    {"hex_sha256", l_sha256},
    {"base64", l_base64},
    {"from_base64", l_from_base64},
    {"random", l_random},
    {"versions", l_versions},
    {"token_store", l_token_store},
    {"yieldable", l_yieldable},
    {NULL, NULL},
};

/* The reactor's thread may still be returning from code of this object when a state closes and the
** VM unloads it: the object stays mapped until the process ends. */
static void pin(void) {
  Dl_info info;

  if (dladdr((const void *)functions, &info) != 0 && info.dli_fname != NULL)
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE | RTLD_NOLOAD);
}

PIX_EXPORT int luaopen_pix_core(lua_State *L);

PIX_EXPORT int luaopen_pix_core(lua_State *L) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return luaL_error(L, "libcurl cannot be initialised");
  pin();
  l_util_open(L);
  l_hub_open(L);
  l_future_open(L);
  l_card_open(L);
  l_qr_open(L);
  l_webhook_open(L);
  l_journal_open(L);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  l_provider_open(L);
  lua_setfield(L, -2, "provider_methods");
  lua_pushliteral(L, PIX_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
