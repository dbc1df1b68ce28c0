/*
** call.c - one operation at a provider, from arguments to a result; see call.h.
**
**   start ─ encode ─┬─ (no token) TOKEN ─┐
**                   └────────────────────┴─ SENT ─┬─ 401: once more through TOKEN
**                                                 ├─ 422 that can be adapted to: once more SENT
**                                                 └─ decode ─ DONE
**
** All of it runs on the owner's thread, in drain. Any number of calls wait for one token exchange,
** which belongs to the provider (single flight). A token that fails fails those who wait with
** sent = "no": nothing of theirs has left.
**
** Lua may raise for lack of memory wherever it allocates. So what may raise comes before a task is
** anchored, linked or submitted; and what is lost nevertheless is told by l_call_lose and lose.
*/
#include "call.h"

#include "l_provider.h"
#include "l_token.h"
#include "l_util.h"

/* What the future no longer needs once it is over. */
static void let_go(lua_State *L, struct l_future *future) {
  luaL_unref(L, LUA_REGISTRYINDEX, future->provider_anchor);
  luaL_unref(L, LUA_REGISTRYINDEX, future->arguments);
  future->provider_anchor = future->arguments = LUA_NOREF;
  future->provider = NULL;
  if (future->request != NULL) l_hub_put_request(future->hub, future->request);
  future->request = NULL;
  future->step = L_STEP_DONE;
}

void l_call_fini(lua_State *L, struct l_future *future) {
  let_go(L, future);
}

static const char *operation_of(const struct l_future *future) {
  return pix_operation_name(future->operation);
}

/* Ends the call with an error. `extras`: index of members to add to it, or 0. Leaves the stack. */
static void fail(lua_State *L, struct l_future *future, const struct pix_err *err, int extras) {
  l_push_error(L, err, future->provider_name, operation_of(future), extras);
  l_future_finish(L, future, L_ERROR);
  let_go(L, future);
}

static void fail_with(lua_State *L, struct l_future *future, enum pix_kind kind,
                      const char *message) {
  struct pix_err err;

  pix_err_set(&err, kind, NULL, "%s", message);
  fail(L, future, &err, 0);
}

/* Ends the call with an error for which no memory is needed. */
static void lose_call(lua_State *L, struct l_future *future, enum pix_kind kind, enum pix_sent sent,
                      const char *why) {
  l_future_lose(future, kind, sent, why);
  let_go(L, future);
}

static bool needs_token(const struct l_future *future) {
  const struct l_provider *self = future->provider;

  return future->request->auth && pix_provider_auth(self->account.provider) == PIX_AUTH_TOKEN;
}

static double remaining(const struct l_future *future) {
  return future->deadline - pix_reactor_now(future->hub->reactor);
}

/* One reference; NULL: no memory. */
static struct pix_http_headers *headers_for(const struct l_provider *self,
                                            const struct pix_request *request) {
  struct pix_http_headers *headers = l_provider_headers(self, request);

  if (request->idempotency_header == NULL) return pix_http_headers_ref(headers);
  /* uncovered: none of the three names one; spec/ci/new_provider_spec.lua makes one that does */
  return pix_http_headers_with(headers, request->idempotency_header, request->idempotency_key,
                               NULL);
}

/* The future is anchored. Never raises. */
static void send(lua_State *L, struct l_future *future) {
  struct l_provider *self = future->provider;
  struct pix_exchange *exchange = pix_exchange_new(self->client);
  struct pix_request *request = future->request;
  double left = remaining(future);

  if (exchange != NULL) exchange->headers = headers_for(self, request);
  if (exchange == NULL || exchange->headers == NULL) {
    if (exchange != NULL) exchange->op.verbs->free(&exchange->op);
    lose_call(L, future, PIX_EINTERNAL, PIX_SENT_NO, L_NO_MEMORY);
    return;
  }
  exchange->method = request->method;
  exchange->once = request->safety != PIX_READ;
  exchange->url = request->url;
  exchange->body = request->body;
  pix_buf_init(&request->url, PIX_MAX_URL);
  pix_buf_init(&request->body, PIX_MAX_REQUEST);
  exchange->timeout = left > 0.001 ? left : 0.001;
  future->token_used = self->generation;
  future->step = L_STEP_SENT;
  future->op = l_hub_resubmit(future->hub, &future->task, &exchange->op);
}

static struct pix_exchange *token_exchange(lua_State *L, struct l_provider *self,
                                           struct pix_err *err) {
  double now = pix_reactor_wall(self->hub->reactor);
  struct pix_exchange *exchange = NULL;
  struct pix_request request;

  pix_request_init(&request);
  if (pix_codec_encode(L, &self->account, PIX_OP_TOKEN, 0, now, &request, err) == PIX_OK) {
    exchange = pix_exchange_new(self->client);
    if (exchange == NULL) pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  }
  if (exchange == NULL) {
    pix_request_fini(&request);
    return NULL;
  }
  exchange->headers = pix_http_headers_ref(l_provider_headers(self, &request));
  exchange->method = request.method;
  exchange->url = request.url;
  exchange->body = request.body;
  exchange->body.secret = true;
  exchange->timeout = self->account.timeout;
  return exchange;
}

/* Kept alive from now on: something of it will be under way. At start it is the stack's top. */
static void anchor(lua_State *L, struct l_future *future) {
  if (future->task.anchor == LUA_NOREF) l_hub_anchor(L, future->hub, -1, &future->task);
}

/* A call that has less time than the token's exchange gets a timer of its own. */
static void limit_wait(struct l_future *future) {
  double left = remaining(future);
  struct pix_op *timer;

  if (left >= future->provider->account.timeout && !future->provider->pausing) return;
  timer = pix_timer_new(left > 0 ? left : 0);
  if (timer != NULL) future->timer = l_hub_resubmit(future->hub, &future->task, timer);
}

/* Begins to fetch a token, or the pause while another process fetches it. The provider is anchored.
 */
static int begin_token(lua_State *L, struct l_provider *self, bool pause, struct pix_err *err) {
  struct pix_op *op;

  if (pause) {
    op = pix_timer_new(L_TOKEN_PAUSE);
    if (op == NULL) return pix_err_set(err, PIX_EINTERNAL, NULL, "out of memory");
  } else {
    struct pix_exchange *exchange = token_exchange(L, self, err);
    if (exchange == NULL) {
      l_token_tell(L, self, false);
      return err->kind;
    }
    op = &exchange->op;
  }
  self->token_op = l_hub_resubmit(self->hub, &self->task, op);
  self->fetching = true;
  self->pausing = pause;
  return PIX_OK;
}

/* The first that waits begins: false if it need not wait, or has failed. A check wants to see the
** credentials work, so it takes no token from elsewhere. A provider whose anchor outlives an error
** here loses it after the next token. */
static bool fetch_token(lua_State *L, struct l_future *future) {
  struct l_provider *self = future->provider;
  bool check = future->operation == PIX_OP_CHECK;
  enum l_token_source source = check ? L_TOKEN_FETCH : l_token_ask(L, self);
  struct pix_err err;
  int rc;

  if (source == L_TOKEN_GOT) {
    anchor(L, future);
    send(L, future);
    return false;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, future->provider_anchor);
  l_hub_anchor(L, self->hub, -1, &self->task);
  lua_pop(L, 1);
  rc = begin_token(L, self, source == L_TOKEN_WAIT, &err);
  if (rc == PIX_OK) return true;
  l_hub_release(L, self->hub, &self->task);
  fail(L, future, &err, 0);
  return false;
}

static void wait_for_token(lua_State *L, struct l_future *future) {
  struct l_provider *self = future->provider;

  if (!self->fetching && !fetch_token(L, future)) return;
  anchor(L, future);
  future->step = L_STEP_TOKEN;
  future->wait_next = NULL;
  *self->waiters_end = future;
  self->waiters_end = &future->wait_next;
  limit_wait(future);
}

static bool token_good(const struct l_provider *self) {
  return self->authorized.lists[0] != NULL && pix_reactor_wall(self->hub->reactor) < self->expires;
}

/* The next step of a call that is encoded. */
static void proceed(lua_State *L, struct l_future *future) {
  if (needs_token(future) && (future->operation == PIX_OP_CHECK || !token_good(future->provider))) {
    wait_for_token(L, future);
  } else {
    anchor(L, future);
    send(L, future);
  }
}

static void leave_waiters(struct l_future *future) {
  struct l_provider *self = future->provider;
  struct l_future **link = &self->waiters;

  while (*link != NULL && *link != future) link = &(*link)->wait_next;
  if (*link == NULL) return;
  *link = future->wait_next;
  if (*link == NULL) self->waiters_end = link;
}

static void stop_timer(struct l_future *future) {
  if (future->timer != 0 && future->hub->reactor != NULL)
    pix_reactor_cancel(future->hub->reactor, future->timer);
}

void l_call_cancel(lua_State *L, struct l_future *future) {
  if (future->step == L_STEP_SENT) {
    l_hub_cancel(future->hub, future->op);
  } else if (future->step == L_STEP_TOKEN) {
    struct pix_op *op = pix_timer_new(0);
    if (op == NULL) luaL_error(L, "out of memory");
    leave_waiters(future);
    stop_timer(future);
    future->step = L_STEP_ENDING;
    future->op = l_hub_resubmit(future->hub, &future->task, op);
  }
}

uint64_t l_call_op(const struct l_future *future) {
  if (future->ready) return 0;
  if (future->kind == L_CALL && future->step == L_STEP_TOKEN) return future->provider->token_op;
  return future->op;
}

void l_call_lose(lua_State *L, struct l_provider *self, enum pix_kind kind, const char *why) {
  struct l_future *future;

  while ((future = self->waiters) != NULL) {
    self->waiters = future->wait_next;
    stop_timer(future);
    lose_call(L, future, kind, PIX_SENT_NO, why);
  }
  self->waiters_end = &self->waiters;
}

void l_call_abandon(lua_State *L, struct l_future *future) {
  if (future->step == L_STEP_TOKEN) leave_waiters(future);
  future->timer = 0;
  let_go(L, future);
}

/* The transport's account of a failure, as an error. */
static void describe_failure(const struct pix_exchange *exchange, struct pix_err *err) {
  pix_err_set(err, exchange->failure, NULL, "%s", exchange->message);
  err->sent = exchange->sent;
  err->http_status = exchange->status;
}

static struct pix_reply reply_of(const struct pix_exchange *exchange) {
  return (struct pix_reply){
      .status = exchange->status,
      .body = pix_buf_text(&exchange->reply),
      .len = exchange->reply.len,
      .content_type = exchange->content_type,
      .retry_after = exchange->retry_after,
  };
}

/* The request's bytes belong to the call again: to be sent once more, and for decode, which hides
** what a reply echoes of them. */
static void take_back(struct l_future *future, struct pix_exchange *exchange) {
  future->request->url = exchange->url;
  future->request->body = exchange->body;
  pix_buf_init(&exchange->url, PIX_MAX_URL);
  pix_buf_init(&exchange->body, PIX_MAX_REQUEST);
}

/* The token was refused. Another call may have renewed it since: then this one only goes again. */
static void renew(lua_State *L, struct l_future *future) {
  struct l_provider *self = future->provider;

  future->renewed = true;
  if (self->generation == future->token_used) self->expires = 0;
  proceed(L, future);
}

/* The reply taught the account another way to write the request (S1). False: it cannot be done. */
static bool adapt(lua_State *L, struct l_future *future) {
  struct l_provider *self = future->provider;
  enum pix_operation operation = future->operation;
  double now = pix_reactor_wall(future->hub->reactor);
  struct pix_err err;

  future->adapted = true;
  if (future->arguments == LUA_NOREF) return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, future->arguments);
  if (pix_codec_encode(L, &self->account, operation, lua_gettop(L), now, future->request, &err) ==
      PIX_OK)
    proceed(L, future);
  else
    fail(L, future, &err, 0);
  lua_pop(L, 1);
  return true;
}

/* A result or an error lies on the top, as decode left it; index of what lay there before: top. */
static void conclude(lua_State *L, struct l_future *future, const struct pix_err *err, int top) {
  if (err->kind != PIX_OK) {
    fail(L, future, err, top + 1);
  } else if (lua_istable(L, -1)) {
    l_future_finish(L, future, L_VALUE);
    let_go(L, future);
  } else {
    l_future_finish(L, future, L_TRUE);
    let_go(L, future);
  }
  lua_settop(L, top);
}

static void answered(lua_State *L, struct l_future *future, struct pix_exchange *exchange) {
  struct l_provider *self = future->provider;
  double now = pix_reactor_wall(future->hub->reactor);
  struct pix_reply reply = reply_of(exchange);
  bool in_time = remaining(future) > 0;
  bool may_renew = needs_token(future) && !future->renewed && in_time;
  int top = lua_gettop(L);
  enum pix_verdict verdict;
  struct pix_err err;

  pix_err_init(&err);
  take_back(future, exchange);
  reply.token = &self->token;
  lua_rawgeti(L, LUA_REGISTRYINDEX, future->hub->decoder);
  verdict = pix_codec_decode(L, top + 1, &self->account, future->request, &reply, now, false, &err);
  if (verdict == PIX_VERDICT_RENEW && may_renew) {
    renew(L, future);
  } else if (verdict == PIX_VERDICT_ADAPT && !future->adapted && in_time && adapt(L, future)) {
    /* it is on its way again */
  } else {
    if (verdict != PIX_VERDICT_DONE)
      pix_codec_decode(L, top + 1, &self->account, future->request, &reply, now, true, &err);
    lua_remove(L, top + 1);
    conclude(L, future, &err, top);
  }
  lua_settop(L, top);
}

/* The exchange came back. One that left twice has no known outcome, whatever was answered. */
static void exchanged(lua_State *L, struct l_future *future, struct pix_exchange *exchange) {
  struct pix_err err;

  if (exchange->failure == PIX_OK && exchange->once && exchange->resent) {
    exchange->failure = PIX_EPROTOCOL; /* uncovered: libcurl is kept from it, see http.c */
    exchange->sent = PIX_SENT_MAYBE;
    pix_err_copy(exchange->message, sizeof exchange->message, "the request left twice", 22);
  }
  if (exchange->failure == PIX_OK) {
    answered(L, future, exchange);
    return;
  }
  describe_failure(exchange, &err);
  pix_codec_failure(&future->provider->account, future->request, &err);
  fail(L, future, &err, 0);
}

/* The timer that limits the wait for a token; it may come when that wait is over. */
static void timed_out(lua_State *L, struct l_future *future, bool cancelled) {
  future->timer = 0;
  if (future->step == L_STEP_TOKEN && !cancelled) {
    leave_waiters(future);
    fail_with(L, future, PIX_ETIMEOUT, "no token came within the call's timeout");
  } else if (future->ready && future->reported) {
    l_hub_release(L, future->hub, &future->task);
  }
}

static void advance(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  struct l_future *future = (struct l_future *)task;

  (void)hub;
  if (op->id == future->timer)
    timed_out(L, future, op->cancelled);
  else if (future->step == L_STEP_ENDING)
    fail_with(L, future, PIX_ECANCELLED, "cancelled before it was sent");
  else
    exchanged(L, future, (struct pix_exchange *)op);
}

/* What came back could not be told. A whole answer to a write may say that it was done. */
static void lose(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  struct l_future *future = (struct l_future *)task;
  const struct pix_exchange *exchange = (const struct pix_exchange *)op;
  enum pix_sent sent = PIX_SENT_NO;

  (void)hub;
  if (future->ready) return;
  if (op->id != future->timer && future->step == L_STEP_SENT) {
    sent = exchange->sent;
    if (sent == PIX_SENT_YES && exchange->once) sent = PIX_SENT_MAYBE;
  }
  if (op->id == future->timer) future->timer = 0;
  leave_waiters(future);
  lose_call(L, future, PIX_EINTERNAL, sent, L_NO_MEMORY);
}

/* Reads the token's reply; PIX_OK: `authorized` is good from now on. */
static int read_token(lua_State *L, struct l_provider *self, const struct pix_exchange *exchange,
                      struct pix_err *err) {
  double now = pix_reactor_wall(self->hub->reactor);
  struct pix_reply reply = reply_of(exchange);
  struct pix_secret token = {NULL, 0};
  double expires = 0;
  int rc;

  pix_err_init(err);
  if (exchange->failure != PIX_OK) {
    describe_failure(exchange, err);
    return err->kind;
  }
  lua_rawgeti(L, LUA_REGISTRYINDEX, self->hub->decoder);
  rc = pix_codec_token(L, lua_gettop(L), &self->account, &reply, now, &token, &expires, err);
  lua_pop(L, 1);
  if (rc == PIX_OK) rc = l_provider_authorize(self, &token, err);
  if (rc == PIX_OK) {
    self->expires = expires;
    pix_secret_fini(&self->token);
    self->token = token;
  } else {
    pix_secret_fini(&token);
  }
  return rc;
}

/* The token is there: a call that waited for it goes on. */
static void resume(lua_State *L, struct l_future *future) {
  stop_timer(future);
  if (future->operation == PIX_OP_CHECK) {
    l_future_finish(L, future, L_TRUE);
    let_go(L, future);
  } else if (remaining(future) <= 0) {
    fail_with(L, future, PIX_ETIMEOUT, "no token came within the call's timeout");
  } else {
    send(L, future);
  }
}

/* Whoever waited for the token goes on, or fails with err (NULL: it is there). Each stays in the
** list until it is done with. */
static void release_waiters(lua_State *L, struct l_provider *self, struct pix_err *err) {
  struct l_future *future;

  self->fetching = self->pausing = false;
  if (err != NULL) err->sent = PIX_SENT_NO;
  while ((future = self->waiters) != NULL) {
    if (err == NULL) {
      resume(L, future);
    } else {
      stop_timer(future);
      fail(L, future, err, 0);
    }
    self->waiters = future->wait_next;
  }
  self->waiters_end = &self->waiters;
}

static void after_pause(lua_State *L, struct l_provider *self) {
  enum l_token_source source = l_token_ask(L, self);
  struct pix_err err;

  if (source == L_TOKEN_GOT)
    release_waiters(L, self, NULL);
  else if (begin_token(L, self, source == L_TOKEN_WAIT, &err) != PIX_OK)
    release_waiters(L, self, &err);
}

static void after_fetch(lua_State *L, struct l_provider *self, const struct pix_exchange *reply) {
  struct pix_err err;
  int rc = read_token(L, self, reply, &err);

  l_token_tell(L, self, rc == PIX_OK);
  release_waiters(L, self, rc == PIX_OK ? NULL : &err);
}

void l_call_token_advance(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  struct l_provider *self = (struct l_provider *)task;

  if (op->id == self->token_op) {
    if (self->pausing)
      after_pause(L, self);
    else
      after_fetch(L, self, (struct pix_exchange *)op);
  }
  l_hub_release(L, hub, task);
}

void l_call_token_lose(lua_State *L, struct l_hub *hub, struct l_task *task, struct pix_op *op) {
  struct l_provider *self = (struct l_provider *)task;

  if (op->id == self->token_op) {
    self->fetching = self->pausing = false;
    l_call_lose(L, self, PIX_EINTERNAL, L_NO_MEMORY);
  }
  l_hub_release(L, hub, task);
}

static void describe(const struct l_task *task, const char **provider, const char **operation) {
  const struct l_future *future = (const struct l_future *)task;

  *provider = future->provider_name;
  *operation = operation_of(future);
}

static struct l_future *future_for(lua_State *L, struct l_provider *self,
                                   enum pix_operation operation) {
  struct pix_err err;
  struct l_hub *hub = l_hub_current(L, &err);
  struct l_future *future;

  if (hub == NULL) luaL_error(L, "luapix cannot start its reactor: %s", err.message);
  future = l_future_new(L, hub, L_CALL);
  future->task.advance = advance;
  future->task.lose = lose;
  future->task.describe = describe;
  future->provider = self;
  future->provider_name = pix_provider_name(self->account.provider);
  future->operation = operation;
  future->request = l_hub_request(hub);
  if (future->request == NULL) luaL_error(L, L_NO_MEMORY);
  lua_pushvalue(L, 1);
  future->provider_anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  return future;
}

/* Fills in the request. A check of a provider with tokens is a fresh token, and no request. */
static int encode(lua_State *L, struct l_future *future, struct pix_err *err) {
  struct l_provider *self = future->provider;
  enum pix_operation operation = future->operation;
  double now = pix_reactor_wall(future->hub->reactor);
  int rc;

  if (operation == PIX_OP_CHECK && pix_provider_auth(self->account.provider) == PIX_AUTH_TOKEN) {
    future->request->auth = true;
    return PIX_OK;
  }
  rc = pix_codec_encode(L, &self->account, operation, 3, now, future->request, err);
  if (rc == PIX_OK && future->request->adaptable) {
    lua_pushvalue(L, 3);
    future->arguments = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  return rc;
}

int l_call_start(lua_State *L) {
  struct l_provider *self = l_self(L, L_PROVIDER);
  enum pix_operation operation = pix_operation_find(luaL_checkstring(L, 2));
  struct l_future *future;
  struct pix_err err;

  luaL_argcheck(L, operation != PIX_OPERATIONS, 2, "there is no such operation");
  lua_settop(L, 3);
  future = future_for(L, self, operation);
  pix_err_init(&err);
  if (l_provider_attach(L, self, future->hub, &err) != PIX_OK ||
      encode(L, future, &err) != PIX_OK) {
    fail(L, future, &err, 0);
    return 1;
  }
  future->deadline =
      pix_reactor_now(future->hub->reactor) +
      (future->request->timeout > 0 ? future->request->timeout : self->account.timeout);
  proceed(L, future);
  return 1;
}
