/*
** codec_account.c - the options of pix.ssg{…} → struct pix_account, by the descriptor's rows and
** the rows common to all providers. Every option that is not known is refused by its name: a typing
** mistake must not switch something off silently.
*/
#include "interpreter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../core/text.h"

/* An option common to all. */
struct common {
  const char *name;
  int (*read)(lua_State *L, int index, struct pix_account *account, const char *name,
              struct pix_err *err);
};

static int wrong_type(lua_State *L, int index, const char *name, const char *wanted,
                      struct pix_err *err) {
  return pix_err_set(err, PIX_ECONFIG, name, "option %s must be %s, not a %s", name, wanted,
                     luaL_typename(L, index));
}

static int copy_text(lua_State *L, int index, char **to, const char *name, struct pix_err *err) {
  size_t len;
  const char *text;

  if (lua_type(L, index) != LUA_TSTRING) return wrong_type(L, index, name, "a string", err);
  text = lua_tolstring(L, index, &len);
  if (pix_text_check(text, len, PIX_MAX_TEXT, name, err) != PIX_OK) {
    if (err != NULL) err->kind = PIX_ECONFIG;
    return PIX_ECONFIG;
  }
  free(*to);
  *to = strdup(text);
  if (*to == NULL) return pix_err_set(err, PIX_EINTERNAL, name, "out of memory");
  return PIX_OK;
}

static int read_base_url(lua_State *L, int index, struct pix_account *account, const char *name,
                         struct pix_err *err) {
  int rc = copy_text(L, index, &account->base_url, name, err);
  size_t len;

  if (rc != PIX_OK) return rc;
  len = strlen(account->base_url);
  while (len > 0 && account->base_url[len - 1] == '/') account->base_url[--len] = '\0';
  return PIX_OK;
}

static int read_ca_file(lua_State *L, int index, struct pix_account *account, const char *name,
                        struct pix_err *err) {
  return copy_text(L, index, &account->ca_file, name, err);
}

static int read_pin(lua_State *L, int index, struct pix_account *account, const char *name,
                    struct pix_err *err) {
  return copy_text(L, index, &account->pinned_public_key, name, err);
}

static int read_proxy(lua_State *L, int index, struct pix_account *account, const char *name,
                      struct pix_err *err) {
  return copy_text(L, index, &account->proxy, name, err);
}

static int read_seconds(lua_State *L, int index, double *to, const char *name,
                        struct pix_err *err) {
  double value;

  if (lua_type(L, index) != LUA_TNUMBER) return wrong_type(L, index, name, "a number", err);
  value = lua_tonumber(L, index);
  if (!(value > 0 && value <= PIX_MAX_TIMEOUT))
    return pix_err_set(err, PIX_ECONFIG, name,
                       "option %s must be more than 0 and at most %.0f "
                       "seconds",
                       name, PIX_MAX_TIMEOUT);
  *to = value;
  return PIX_OK;
}

static int read_timeout(lua_State *L, int index, struct pix_account *account, const char *name,
                        struct pix_err *err) {
  return read_seconds(L, index, &account->timeout, name, err);
}

static int read_connect_timeout(lua_State *L, int index, struct pix_account *account,
                                const char *name, struct pix_err *err) {
  return read_seconds(L, index, &account->connect_timeout, name, err);
}

static int read_whole(lua_State *L, int index, int64_t max, int64_t *to, const char *name,
                      struct pix_err *err) {
  if (!pix_l_toint64(L, index, to) || *to < 1 || *to > max)
    return pix_err_set(err, PIX_ECONFIG, name, "option %s must be a whole number from 1 to %lld",
                       name, (long long)max);
  return PIX_OK;
}

static int read_max_response(lua_State *L, int index, struct pix_account *account, const char *name,
                             struct pix_err *err) {
  int64_t value = 0;
  int rc = read_whole(L, index, PIX_MAX_RESPONSE_CEILING, &value, name, err);

  if (rc == PIX_OK) account->max_response = (size_t)value;
  return rc;
}

static int read_max_connections(lua_State *L, int index, struct pix_account *account,
                                const char *name, struct pix_err *err) {
  int64_t value = 0;
  int rc = read_whole(L, index, PIX_MAX_CONNECTIONS, &value, name, err);

  if (rc == PIX_OK) account->max_connections = (long)value;
  return rc;
}

static int read_flag(lua_State *L, int index, bool *to, const char *name, struct pix_err *err) {
  if (lua_type(L, index) != LUA_TBOOLEAN) return wrong_type(L, index, name, "true or false", err);
  *to = lua_toboolean(L, index) != 0;
  return PIX_OK;
}

static int read_allow_http(lua_State *L, int index, struct pix_account *account, const char *name,
                           struct pix_err *err) {
  return read_flag(L, index, &account->allow_http, name, err);
}

static int read_validate(lua_State *L, int index, struct pix_account *account, const char *name,
                         struct pix_err *err) {
  bool validate = true;
  int rc = read_flag(L, index, &validate, name, err);

  account->lenient = !validate;
  return rc;
}

static const struct common commons[] = {
    {"allow_http", read_allow_http},
    {"base_url", read_base_url},
    {"ca_file", read_ca_file},
    {"connect_timeout", read_connect_timeout},
    {"max_connections", read_max_connections},
    {"max_response", read_max_response},
    {"pinned_public_key", read_pin},
    {"proxy", read_proxy},
    {"timeout", read_timeout},
    {"validate", read_validate},
};

static const struct pix_value *find_value(const struct pix_provider *provider, const char *name) {
  for (const struct pix_value *row = provider->values; row->name != NULL; row++)
    if (strcmp(row->name, name) == 0) return row;
  return NULL;
}

static const struct pix_choice *find_choice(const struct pix_value *row, const char *word) {
  for (const struct pix_choice *choice = row->choices; choice->word != NULL; choice++)
    if (strcmp(choice->word, word) == 0) return choice;
  return NULL;
}

static int wrong_word(const struct pix_value *row, struct pix_err *err) {
  char words[128] = "";
  size_t used = 0;

  for (const struct pix_choice *choice = row->choices; choice->word != NULL; choice++) {
    size_t len = strlen(choice->word);
    if (used + len + 5 > sizeof words) break;
    if (used > 0) memcpy(words + used, " or ", 4), used += 4;
    memcpy(words + used, choice->word, len + 1);
    used += len;
  }
  return pix_err_set(err, PIX_ECONFIG, row->name, "option %s must be %s", row->name, words);
}

/* One of the provider's own options. pix_secret_set's words fit all of them. */
static int read_value(lua_State *L, int index, const struct pix_value *row,
                      struct pix_account *account, struct pix_err *err) {
  struct pix_secret *value = &account->values[row - account->provider->values];
  const char *text;
  size_t len;
  int rc;

  if (lua_type(L, index) != LUA_TSTRING) return wrong_type(L, index, row->name, "a string", err);
  text = lua_tolstring(L, index, &len);
  if (row->choices != NULL && find_choice(row, text) == NULL) return wrong_word(row, err);
  rc = pix_secret_set(value, text, len, row->name, err);
  if (rc != PIX_EINVALID) return rc; /* good, or out of memory */
  if (err != NULL) err->kind = PIX_ECONFIG;
  return PIX_ECONFIG;
}

static int unknown_option(const struct pix_provider *provider, const char *name,
                          struct pix_err *err) {
  char known[sizeof err->hint] = "";
  size_t used = 0;

  pix_err_set(err, PIX_ECONFIG, name, "%s has no option %.60s", provider->name, name);
  for (const struct pix_value *row = provider->values; row->name != NULL; row++) {
    size_t len = strlen(row->name);
    if (used + len + 3 > sizeof known) break;
    if (used > 0) memcpy(known + used, ", ", 2), used += 2;
    memcpy(known + used, row->name, len + 1);
    used += len;
  }
  pix_err_hint(err, "its own options are: %.200s", known);
  return PIX_ECONFIG;
}

/* The option whose name is at -2 and whose value is at -1. */
static int read_option(lua_State *L, struct pix_account *account, struct pix_err *err) {
  const struct pix_value *row;
  const char *name;
  int value = lua_gettop(L);

  if (lua_type(L, -2) != LUA_TSTRING)
    return pix_err_set(err, PIX_ECONFIG, NULL, "options are named: %s { name = value, … }",
                       account->provider->name);
  name = lua_tostring(L, -2);
  row = find_value(account->provider, name);
  if (row != NULL) return read_value(L, value, row, account, err);
  for (size_t i = 0; i < PIX_COUNT(commons); i++)
    if (strcmp(commons[i].name, name) == 0)
      return commons[i].read(L, value, account, commons[i].name, err);
  return unknown_option(account->provider, name, err);
}

static int read_options(lua_State *L, int index, struct pix_account *account, struct pix_err *err) {
  int top = lua_gettop(L);

  if (lua_type(L, index) != LUA_TTABLE)
    return pix_err_set(err, PIX_ECONFIG, NULL, "%s wants a table of options, not a %s",
                       account->provider->name, luaL_typename(L, index));
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    int rc = read_option(L, account, err);
    lua_settop(L, rc == PIX_OK ? top + 1 : top);
    if (rc != PIX_OK) return rc;
  }
  return PIX_OK;
}

/* What can only be judged when all options are known. */
static int check_account(struct pix_account *account, struct pix_err *err) {
  const struct pix_provider *provider = account->provider;

  for (const struct pix_value *row = provider->values; row->name != NULL; row++) {
    const struct pix_secret *value = &account->values[row - provider->values];
    if ((row->flags & PIX_VALUE_REQUIRED) != 0 && value->data == NULL)
      return pix_err_set(err, PIX_ECONFIG, row->name, "%s needs the option %s", provider->name,
                         row->name);
    if ((row->flags & PIX_VALUE_URL) != 0 && value->data != NULL &&
        pix_url_check(value->data, value->len, false, false, PIX_ECONFIG, row->name, err) != PIX_OK)
      return PIX_ECONFIG;
  }
  if (pix_url_check(account->base_url, strlen(account->base_url), account->allow_http, true,
                    PIX_ECONFIG, "base_url", err) != PIX_OK)
    return PIX_ECONFIG;
  return provider->configure != NULL ? provider->configure(account, err) : PIX_OK;
}

int pix_account_init(lua_State *L, int index, const struct pix_provider *provider,
                     struct pix_account *account, struct pix_err *err) {
  int rc;

  memset(account, 0, sizeof *account);
  account->provider = provider;
  account->timeout = 15;
  account->connect_timeout = 5;
  account->max_response = PIX_MAX_RESPONSE;
  account->max_connections = PIX_DEFAULT_CONNECTIONS;
  account->base_url = strdup(provider->base_url);
  if (account->base_url == NULL || !lua_checkstack(L, 16))
    rc = pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  else
    rc = read_options(L, lua_absindex(L, index), account, err);
  if (rc == PIX_OK) rc = check_account(account, err);
  if (rc != PIX_OK) pix_account_fini(account);
  return rc;
}

void pix_account_fini(struct pix_account *account) {
  for (size_t i = 0; i < PIX_MAX_VALUES; i++) pix_secret_fini(&account->values[i]);
  free(account->base_url);
  free(account->ca_file);
  free(account->pinned_public_key);
  free(account->proxy);
  account->base_url = account->ca_file = account->pinned_public_key = account->proxy = NULL;
}

const struct pix_secret *pix_account_value(const struct pix_account *account, const char *name) {
  const struct pix_value *row = find_value(account->provider, name);

  return row != NULL ? &account->values[row - account->provider->values] : NULL;
}

int pix_account_choice(const struct pix_account *account, const char *name) {
  const struct pix_value *row = find_value(account->provider, name);
  const struct pix_secret *value = &account->values[row - account->provider->values];

  return value->data != NULL ? find_choice(row, value->data)->value : row->choices->value;
}

enum pix_money_form pix_account_money(const struct pix_account *account) {
  const struct pix_provider *provider = account->provider;

  if ((account->adaptations & PIX_ADAPT_MONEY) != 0) return provider->money_adapted;
  if (provider->money_option == NULL) return provider->money;
  return (enum pix_money_form)pix_account_choice(account, provider->money_option);
}
