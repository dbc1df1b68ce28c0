/*
** codec.h - what the rest of luapix may ask about a provider: configure an account, encode an
** operation into the bytes of a request, decode the bytes of a reply, verify a webhook. Bytes and
** tables in, bytes and tables out: no I/O, no clock (`now` is an argument), no mutable statics.
** The work is done by one interpreter over the descriptor's rows (provider.h).
**
** Functions that take a lua_State leave the stack as it was but for what they say they push, and
** do not raise for what a caller or a provider says (only for lack of memory).
*/
#ifndef PIX_CODEC_H
#define PIX_CODEC_H

#include "../lua/compat.h"
#include "../core/buf.h"
#include "../core/card.h"
#include "../core/err.h"
#include "../core/secret.h"

struct pix_provider; /* provider.h: the descriptor */

enum pix_operation {
  PIX_OP_TOKEN, /* luapix's own: a user never asks for it by name */
  PIX_OP_CHECK,
  PIX_OP_CHARGE,
  PIX_OP_STATUS,
  PIX_OP_SEARCH,
  PIX_OP_CANCEL,
  PIX_OP_REFUND,
  PIX_OP_SUBSCRIBE,
  PIX_OPERATIONS
};

/* How safely an operation may be repeated: PROVIDERS.md. */
enum pix_class { PIX_READ, PIX_CREATE, PIX_SETTLE, PIX_CAPTURE };

enum pix_auth { PIX_AUTH_KEY, PIX_AUTH_TOKEN }; /* a constant header; a token that is fetched */

#define PIX_MAX_VALUES          16 /* rows of credentials and options that one provider may have */
#define PIX_DEFAULT_CONNECTIONS 64 /* option max_connections: requests under way at once */
#define PIX_MAX_CONNECTIONS     65536

/* One configured provider: what the user gave to pix.ssg{…}. Freed by pix_account_fini. */
struct pix_account {
  const struct pix_provider *provider;
  struct pix_secret values[PIX_MAX_VALUES]; /* by row of the provider's credentials and options */
  char *base_url;                           /* owned; no slash at its end */
  char *ca_file;                            /* owned, or NULL */
  char *pinned_public_key;                  /* owned, or NULL */
  char *proxy;                              /* owned, or NULL */
  double timeout, connect_timeout;          /* seconds */
  size_t max_response;                      /* bytes */
  long max_connections;
  bool allow_http;
  bool lenient;         /* option validate = false: check digits are not insisted on (P9) */
  unsigned adaptations; /* what this account learned from replies, bits of the provider's (S1) */
};

/* One operation on its way: what encode made of the arguments, and what decode must compare the
** reply with. Holds no Lua reference. */
struct pix_request {
  enum pix_operation operation;
  enum pix_class safety;
  bool auth;               /* goes out with the account's header or token */
  bool adaptable;          /* decode may ask to encode once more: keep the arguments */
  const char *method;      /* static */
  struct pix_buf url;      /* whole */
  struct pix_buf body;     /* JSON; empty = none; secret if it holds a card or credentials */
  double timeout;          /* seconds asked for this call, 0 = the account's */
  int64_t amount;          /* centavos asked for, -1 = none */
  char id[PIX_MAX_ID + 1]; /* of the charge concerned, "" = none yet */
  const void *endpoint;    /* the descriptor's row */

  /* A header to be sent beside the others: name (static) or NULL, and its value. No provider has
  ** documented one yet; the argument idempotency_key is refused where the descriptor names none. */
  const char *idempotency_header;
  char idempotency_key[PIX_MAX_ID + 1];
};

/* What came back, borrowed for the time of the call. */
struct pix_reply {
  long status;
  const char *body;
  size_t len;
  const char *content_type;
  const char *retry_after; /* the header's text, "" if none */

  /* What the request went out with, or NULL: a reply that echoes it is scrubbed. */
  const struct pix_secret *token;
};

/* What is to be done with a reply. */
enum pix_verdict {
  PIX_VERDICT_DONE,  /* a result, or an error, was pushed */
  PIX_VERDICT_RENEW, /* the token is not good (any more): renew it and send again, at most once */
  PIX_VERDICT_ADAPT  /* account->adaptations has changed: encode and send again, at most once */
};

/* The registration: providers.def. `at` counts from 0; NULL after the last. */
const struct pix_provider *pix_provider_at(size_t at);
const struct pix_provider *pix_provider_find(const char *name); /* NULL: no such provider */
const char *pix_provider_name(const struct pix_provider *provider);
enum pix_auth pix_provider_auth(const struct pix_provider *provider);
bool pix_provider_supports(const struct pix_provider *provider, enum pix_operation operation);
bool pix_provider_signs(const struct pix_provider *provider); /* does it sign webhooks? */

/* Pushes what Lua may know of a descriptor, as a table of its own: { name, environment, base_url,
** credentials = {names}, options = {names}, operations = {charge = true, …}, webhook_option }. */
void pix_provider_push(lua_State *L, const struct pix_provider *provider);

/* "charge" … ↔ PIX_OP_CHARGE; find returns PIX_OPERATIONS for a word that is none (or "token"). */
const char *pix_operation_name(enum pix_operation operation);
enum pix_operation pix_operation_find(const char *name);

/* Makes this Lua state's private cjson instance (cjson.new(), settings of our own) and pushes the
** function that decodes; the caller keeps it and hands its index to decode, token and webhook. */
void pix_codec_open(lua_State *L);

/* Reads the options table at `index` by the descriptor's rows and the rows common to all: base_url,
** timeout, connect_timeout, ca_file, pinned_public_key, proxy, allow_http, max_response,
** max_connections, validate. PIX_ECONFIG names the option that is missing, wrong, or unknown.
** On failure the account is empty. */
int pix_account_init(lua_State *L, int index, const struct pix_provider *provider,
                     struct pix_account *account, struct pix_err *err);
void pix_account_fini(struct pix_account *account); /* wipes; safe twice */

/* A request before its first use; what one holds is dropped by encode. clear: empty, and its texts'
** memory is kept unless it held a secret. fini: nothing is left; safe twice. */
void pix_request_init(struct pix_request *request);
void pix_request_clear(struct pix_request *request);
void pix_request_fini(struct pix_request *request);

/* Encodes an operation from the arguments at `index` (a table; for status, cancel, refund a charge
** table or the id as a string; ignored for token and check). Everything is validated here:
** PIX_EINVALID names the field, PIX_EUNSUPPORTED the operation. `now`: seconds since the epoch, for
** a card's expiry. On success request is filled, its buffers the caller's; on failure it is empty.
*/
int pix_codec_encode(lua_State *L, struct pix_account *account, enum pix_operation operation,
                     int index, double now, struct pix_request *request, struct pix_err *err);

/* Writes the header line that authenticates: name into `name`, value into `value` (secret).
** `token` is NULL for PIX_AUTH_KEY. */
int pix_codec_auth(const struct pix_account *account, const struct pix_secret *token,
                   struct pix_buf *name, struct pix_buf *value, struct pix_err *err);

/* Reads a token reply into `token` and its end of life, seconds since the epoch with the margin
*taken
** off (D6, S2). A failure is of kind auth, unavailable, rate_limited, protocol …; it is never
** `sent` = "maybe" for the operation that waits for the token: the caller says "no" there. */
int pix_codec_token(lua_State *L, int decoder, struct pix_account *account,
                    const struct pix_reply *reply, double now, struct pix_secret *token,
                    double *expires, struct pix_err *err);

/* Decodes a whole answer. Returns the verdict. With DONE exactly one value is pushed: if err->kind
** is PIX_OK the result (DESIGN.md: charge, status …; `provider` and `sent` = "yes" set), else a
*table of members to merge
** into the error (`fields`: {field = {texts}}, `id` of a charge that exists, `raw`) or nil.
*err->sent
** follows PAYMENTS.md: "maybe" where a write may have happened, else "yes". With RENEW and ADAPT
** nothing is pushed and err says what the error would be if it must not be tried again (then call
** pix_codec_decode with `last` = true). */
enum pix_verdict pix_codec_decode(lua_State *L, int decoder, struct pix_account *account,
                                  const struct pix_request *request, const struct pix_reply *reply,
                                  double now, bool last, struct pix_err *err);

/* What a transport failure means for this operation's error: keeps kind, sent and message as given
** and adds the provider's hint. Nothing is pushed. */
void pix_codec_failure(const struct pix_account *account, const struct pix_request *request,
                       struct pix_err *err);

/* Verifies a signed webhook (P8) against any of `count` secrets, and decodes it. Pushes the event
** { provider, id, status, raw_status, amount, key, raw } and returns PIX_OK; `key` is stable
** for one (id, status) so that replays are told. PIX_EAUTH: no signature matches; PIX_EINVALID: the
*signed body cannot be read. */
int pix_codec_webhook(lua_State *L, int decoder, const struct pix_provider *provider,
                      const char *body, size_t len, const char *signature, size_t signature_len,
                      const struct pix_secret *secrets, size_t count, struct pix_err *err);

/* The card userdata's metatable name, and its memory. Only codecs read it. */
#define PIX_CARD_TYPE "pix.card"
struct pix_card_object {
  const void *not_love; /* NULL: see L_NOT_LOVE in src/lua/l_util.h */
  struct pix_card card;
};

#endif
