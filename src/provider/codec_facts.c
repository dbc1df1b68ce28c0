/*
** codec_facts.c - a descriptor as a Lua table. The rooms above derive from it which variables make
** an account, what a flow may promise, and whom the sandbox can simulate: a provider more is known
** there without a list of theirs being edited.
*/
#include "interpreter.h"

/* The prefix of its variables in the environment, without the "_". */
static void put_environment(lua_State *L, const struct pix_provider *provider) {
  luaL_Buffer buffer;

  if (provider->environment != NULL) {
    lua_pushstring(L, provider->environment);
  } else {
    luaL_buffinit(L, &buffer);
    for (const char *at = provider->name; *at != '\0'; at++)
      luaL_addchar(&buffer, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
    luaL_pushresult(&buffer);
  }
  lua_setfield(L, -2, "environment");
}

/* Names of the values that are required, or of those that are not, in the order of their rows. */
static void put_values(lua_State *L, const char *member, const struct pix_value *row,
                       bool required) {
  int n = 0;

  lua_newtable(L);
  for (; row->name != NULL; row++) {
    if (((row->flags & PIX_VALUE_REQUIRED) != 0) != required) continue;
    lua_pushstring(L, row->name);
    lua_rawseti(L, -2, ++n);
  }
  lua_setfield(L, -2, member);
}

/* Operations as a set. */
static void put_operations(lua_State *L, const struct pix_provider *provider) {
  lua_newtable(L);
  for (int operation = PIX_OP_TOKEN + 1; operation < PIX_OPERATIONS; operation++) {
    if (!pix_provider_supports(provider, (enum pix_operation)operation)) continue;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, pix_operation_name((enum pix_operation)operation));
  }
  lua_setfield(L, -2, "operations");
}

/* The option that stands in for a charge's webhook, if it has one. */
static void put_webhook_option(lua_State *L, const struct pix_provider *provider) {
  for (const struct pix_endpoint *row = provider->endpoints; row->method != NULL; row++) {
    const struct pix_field *field = row->fields;

    for (; field != NULL && field->source != PIX_FROM_NONE; field++) {
      if (field->source != PIX_FROM_WEBHOOK || field->text == NULL) continue;
      lua_pushstring(L, field->text);
      lua_setfield(L, -2, "webhook_option");
      return;
    }
  }
}

void pix_provider_push(lua_State *L, const struct pix_provider *provider) {
  lua_newtable(L);
  lua_pushstring(L, provider->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, provider->base_url);
  lua_setfield(L, -2, "base_url");
  put_environment(L, provider);
  put_values(L, "credentials", provider->values, true);
  put_values(L, "options", provider->values, false);
  put_operations(L, provider);
  put_webhook_option(L, provider);
}
