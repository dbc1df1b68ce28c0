-- A token that several processes share: whose turn it is to fetch it, and what becomes of the calls
-- meanwhile (l_token.c).
local core = require "pix.core"
local scripted = require "spec.support.scripted"

local PAUSE = 0.1

describe("a provider with a shared token store", function()
  local script, ssg, store, said

  -- The store as tests set it up: `token` and `expires`, may one `claim` it, and what was called.
  before_each(function()
    script = scripted.new()
    ssg = assert(core.provider("ssg", scripted.SSG))
    said, store = {}, { claim = true, expires = script.reactor:wall() + 1000 }
    local function note(name, ...) said[#said + 1] = { name, ... } end
    core.token_store {
      get = function(key)
        note("get", key)
        if store.late and #said > 1 then store.token = store.late end
        return store.token, store.expires
      end,
      claim = function(key, seconds) note("claim", key, seconds) return store.claim end,
      set = function(key, token, expires) note("set", key, token, expires) end,
      release = function(key) note("release", key) end,
    }
  end)

  after_each(function()
    core.token_store(nil)
    script:stop()
  end)

  local function names()
    local list = {}
    for i, call in ipairs(said) do list[i] = call[1] end
    return table.concat(list, " ")
  end

  local function authorization()
    return scripted.header(script:next("status"), "Authorization")
  end

  it("takes the token that is there, and fetches none", function()
    store.token = "shared-1"
    local future = ssg:start("status", "abc")
    local request = script:next("status")
    assert.equal("Bearer shared-1", scripted.header(request, "Authorization"))
    script:answer(request, 200, '{"status":"PENDING"}')
    assert.equal("pending", future:result().status)
    assert.equal(0, script.tokens)
    assert.equal("get", names())
  end)

  it("keeps what it took for the calls that follow, until it is over", function()
    store.token = "shared-1"
    ssg:start("status", "abc")
    authorization()
    ssg:start("status", "abc")
    assert.equal("Bearer shared-1", authorization())
    assert.equal("get", names())
    script.reactor:advance(1001)
    store.token, store.expires = "shared-2", script.reactor:wall() + 1000
    ssg:start("status", "abc")
    assert.equal("Bearer shared-2", authorization())
  end)

  it("fetches one under a claim, and tells it", function()
    ssg:start("status", "abc")
    script:give_token()
    assert.equal("Bearer tok-1", authorization())
    assert.equal("get claim get set", names())
    assert.equal("tok-1", said[4][3])
    assert.truthy(said[4][4] > script.reactor:wall())
    assert.truthy(said[2][3] > 15, "the claim outlives the request")
    assert.equal(64, #said[1][2])
    assert.is_nil(said[1][2]:find(scripted.SSG.client_secret, 1, true))
  end)

  it("takes no token that is over, empty, or could not be sent", function()
    for _, case in ipairs { { "old", -1 }, { "", 1000 }, { "two\nlines", 1000 }, { 5, 1000 },
      { ("x"):rep(100000), 1000 } } do
      said = {}
      store.token, store.expires = case[1], script.reactor:wall() + case[2]
      local other = assert(core.provider("ssg", scripted.SSG))
      other:start("status", "abc")
      script:give_token()
      assert.equal("Bearer tok-" .. script.tokens, authorization())
      assert.equal("get claim get set", names())
    end
  end)

  it("gives a claim back when the token came in between", function()
    store.late = "shared-1"
    ssg:start("status", "abc")
    assert.equal("Bearer shared-1", authorization())
    assert.equal("get claim get release", names())
    assert.equal(0, script.tokens)
  end)

  it("gives a claim back when no token comes", function()
    local future = ssg:start("status", "abc")
    script:answer(script:next("token"), 401, '{"message":"no"}')
    assert.equal("auth", select(2, future:result()).kind)
    assert.equal("get claim get release", names())
  end)

  it("waits while another process fetches, and takes what that one got", function()
    store.claim = false
    local first, second = ssg:start("status", "abc"), ssg:start("status", "def")
    assert.is_nil(script.reactor:outbox())
    store.token = "shared-1"
    script.reactor:advance(PAUSE)
    script.reactor:drain {}
    assert.equal("Bearer shared-1", authorization())
    assert.equal("Bearer shared-1", authorization())
    assert.is_false(first:ready() or second:ready())
    assert.equal(0, script.tokens)
  end)

  it("waits on while the other is at it, and fetches when it is not heard of any more", function()
    store.claim = false
    local future = ssg:start("status", "abc")
    for _ = 1, 3 do
      script.reactor:advance(PAUSE)
      script.reactor:drain {}
      assert.is_nil(script.reactor:outbox())
    end
    store.claim = true
    script.reactor:advance(PAUSE)
    script.reactor:drain {}
    script:give_token()
    script:answer(script:next("status"), 200, '{"status":"PAID"}')
    assert.equal("paid", future:result().status)
  end)

  it("ends a call whose time is over while it waits, and says that nothing left", function()
    store.claim = false
    local future = ssg:start("charge", { amount = 100, timeout = 0.25 })
    for _ = 1, 3 do
      script.reactor:advance(PAUSE)
      script.reactor:drain {}
    end
    local _, err = future:result()
    assert.equal("timeout", err.kind)
    assert.equal("no", err.sent)
  end)

  it("goes on as if there were none when the store fails", function()
    local function fails() error "the dictionary is full" end
    core.token_store { get = fails, claim = fails, set = fails, release = fails }
    local future = ssg:start("status", "abc")
    script:give_token()
    script:answer(script:next("status"), 200, '{"status":"PAID"}')
    assert.equal("paid", future:result().status)
  end)

  it("asks a store for a check of the credentials in no case", function()
    store.token = "shared-1"
    local future = ssg:start("check")
    script:give_token()
    assert.is_true(future:result())
    assert.equal("set", names())
  end)

  it("is refused when one of the functions is missing", function()
    local function f() end
    assert.has_error(function() core.token_store { get = f, claim = f, set = f } end)
    assert.has_error(function() core.token_store(5) end)
  end)
end)

describe("a token that comes too late for a call", function()
  it("ends it with what is true: nothing left", function()
    local script = scripted.new()
    local ssg = assert(core.provider("ssg", scripted.SSG))
    local late = ssg:start("charge", { amount = 100, timeout = 5 })
    local request = script:next("token")
    script.reactor:answer(request.id, { status = 200,
      body = '{"access_token":"tok","expires_in":3600}' })
    script.reactor:advance(6)
    script.reactor:drain {}
    local _, err = late:result()
    assert.equal("timeout", err.kind)
    assert.equal("no", err.sent)
    assert.is_nil(script.reactor:outbox())
    script:stop()
  end)
end)
