/*
** interpreter.h - what the parts of the codec (codec*.c) share. Nobody else includes it.
**
** DESIGN. A call passes through four steps, each in a file of its own:
**   codec_args.c    the caller's table → struct pix_args: checked text, nothing of Lua but pointers
**   codec_encode.c  endpoint row + args → method, URL, body
**   codec_decode.c  reply → decoded table → struct pix_item by reply rows → result table
**   codec_error.c   everything that is no result → struct pix_err + members; codec_scrub.c before
**                   any of it leaves
** Borrowed text stays valid because the table it came from stays on the Lua stack meanwhile.
*/
#ifndef PIX_INTERPRETER_H
#define PIX_INTERPRETER_H

#include "provider.h"
#include "../core/card.h"
#include "../core/date.h"
#include "../core/phone.h"

#define PIX_ADAPT_MONEY 1u /* bit of account->adaptations: amounts go out as money_adapted */

/* The arguments of one call, checked. */
struct pix_args {
  const struct pix_account *account;
  enum pix_operation operation;
  double now;
  double timeout;        /* 0 = not given */
  int64_t amount;        /* centavos; -1 = not given */
  int64_t charge_amount; /* of the charge given; -1 = unknown */
  char id[PIX_MAX_ID + 1];
  char tax_id[16];
  char phone[PIX_PHONE_SIZE];
  char from[PIX_DATE_SIZE], to[PIX_DATE_SIZE];
  int64_t from_epoch, to_epoch;
  struct pix_span description, webhook, name, email, plan, idempotency_key;
  const struct pix_card *card; /* borrowed from its userdata */
  bool trial, has_confirmation, confirmation;
};

/* codec_args.c. Empties args, then reads the value at `index` as the operation's arguments. */
int pix_args_read(lua_State *L, int index, const struct pix_account *account,
                  enum pix_operation operation, double now, struct pix_args *args,
                  struct pix_err *err);
/* How the caller spells the argument behind a source; NULL: it is not the caller's. */
const char *pix_args_name(enum pix_source source);

/* codec_url.c. PIX_OK, or `kind` naming field. A base URL has no query. */
int pix_url_check(const char *text, size_t len, bool allow_http, bool base, enum pix_kind kind,
                  const char *field, struct pix_err *err);

/* codec_account.c */
enum pix_money_form pix_account_money(const struct pix_account *account);

/* codec_reply.c: reading decoded tables. */
bool pix_reply_parse(lua_State *L, int decoder, const char *body, size_t len); /* table or nil */
void pix_reply_item(lua_State *L, int index, const struct pix_account *account,
                    const struct pix_provider *provider, const struct pix_reply_row *rows,
                    const struct pix_status_row *statuses, struct pix_item *item);
struct pix_span pix_reply_text(lua_State *L, int index, const char *path);

/* codec_scrub.c: what must not leave. text is changed in place; a table deeply. `cards`: digits
** that look like a card's number are secret too. */
struct pix_scrub {
  const struct pix_account *account;
  const struct pix_request *request; /* may be NULL */
  const struct pix_secret *token;    /* may be NULL */
  bool cards;
  bool clean; /* the whole reply was looked through: there is nothing to hide in it */
};
/* Looks once through a reply's bytes: most hold no secret, and then nothing in them is searched. */
void pix_scrub_look(struct pix_scrub *scrub, const struct pix_reply *reply);
bool pix_scrub_text(const struct pix_scrub *scrub, const char *text, size_t len,
                    struct pix_buf *out); /* false: nothing to hide, out is untouched */
void pix_scrub_copy(const struct pix_scrub *scrub, char *to, size_t size, const char *text,
                    size_t len); /* pix_err_copy of what is left */
void pix_scrub_put(lua_State *L, const struct pix_scrub *scrub, const char *member,
                   const char *text, size_t len); /* pix_put_text of what is left */
void pix_scrub_table(lua_State *L, int index, const struct pix_scrub *scrub);
bool pix_luhn(const char *digits, size_t len);

/* codec.c. {member = value} at the top of the stack, if the text is there. */
void pix_put_text(lua_State *L, const char *member, const char *text, size_t len);
void pix_put_word(lua_State *L, const char *member, const char *word); /* a word of ours, static */

/* codec_error.c. Describes the reply as a failure: kind, sent, code, field, message, hint,
** retry_after. `body` is the index of the decoded table, or of nil. */
void pix_error_read(lua_State *L, int body, const struct pix_scrub *scrub,
                    const struct pix_reply *reply, double now, struct pix_err *err);
/* A reply that is none: kind protocol. */
void pix_error_garbage(const struct pix_reply *reply, struct pix_err *err);
/* Pushes the members to merge ({fields, id, raw}) or nil. id may be "". The table is scrubbed. */
void pix_error_members(lua_State *L, int body, const struct pix_scrub *scrub,
                       const struct pix_reply *reply, const char *id);
/* Does the reply's `errors` name the member that carries the amount? */
bool pix_error_names_amount(lua_State *L, int body, const struct pix_request *request);
/* Is the refusal about the token, not about the request (D6)? */
bool pix_error_stale_token(const struct pix_account *account, const struct pix_request *request,
                           const struct pix_err *err);

/* codec_token.c. Token and life in seconds (D6, S2) of a decoded reply; false: there is none. */
bool pix_token_find(lua_State *L, int body, const struct pix_provider *provider, double now,
                    struct pix_span *token, double *life);

#endif
