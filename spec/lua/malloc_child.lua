-- The program of malloc_spec.lua: each step is done with the first, the second, the third … request
-- of pix.core for memory denied, until none is. Whatever is denied, every call ends, as what it is
-- or as an error of kind internal which says truly what had left; and then all works again.
local malloc = assert(package.loadlib(assert(arg[1]), "luaopen_malloc"))()
local answers = require "spec.lua.answers"
local core = require "pix.core"

local PLACE = { allow_http = true, base_url = "http://127.0.0.1:9" }
local OPTIONS = {
  ssg = { client_id = "id-1", client_secret = "s3cret-of-ssg", device_code = "dev-1" },
  detseg = { client_id = "id-2", client_token = "t0ken-of-detseg" },
  payzu = { api_key = "k3y-of-payzu", webhook_url = "https://shop.example/hook" },
}
for _, options in pairs(OPTIONS) do
  for name, value in pairs(PLACE) do options[name] = value end
end

local SECRETS = { ssg = "s3cret-of-ssg", detseg = "t0ken-of-detseg", payzu = "k3y-of-payzu" }
local TOKEN = '{"access_token":"t0ken","expires_in":3600}'
local PAYER = { name = "Maria", tax_id = "52998224725", email = "m@example.com",
  phone = "11987654321" }
local ORDER = { amount = 100, description = "Coffee", payer = PAYER }
local ONE = { id = "U1", amount = 100 }
local LIST = '{"transactions":[{"transaction_id":"U1","status":"pending","value":1.00}]}'
local ROWS = {
  { "ssg", "charge", ORDER, '{"id":"U1","qr_code_text":"opaque","status":"PENDING"}' },
  { "ssg", "status", ONE, '{"status":"PENDING"}' },
  { "ssg", "cancel", ONE, '{"status":"CANCELLED"}' },
  { "ssg", "refund", ONE, '{"id":"U1","status":"REFUNDED","value":1.00}' },
  { "detseg", "charge", ORDER, '{"transaction_id":"U1","payment_code":"opaque"}' },
  { "detseg", "search", { from = 1750000000, to = 1750000100 }, LIST },
  { "payzu", "charge", ORDER, '{"id":"U1","qrCodeText":"opaque","status":"PENDING"}' },
  { "payzu", "status", ONE, '{"transaction":{"id":"U1","status":"pending","amount":1.00}}' },
  { "payzu", "subscribe", function()
    return { plan = "P1", payer = PAYER, card = assert(core.card { number = "4111111111111111",
      cvv = "737", expiry = "12/2049", holder = "JOAO" }) }
  end, '{"success":true,"subscription_id":"S1","transaction_id":"T1","status":"aprovado"}' },
}

local reactor

-- Runs f without memory from the n-th request on. What it raises is that there is none.
local function deny(n, f, ...)
  malloc.fail(n)
  local ok, value, err = pcall(f, ...)
  local denied = malloc.mend()
  if not ok then
    assert(denied and tostring(value):find("memory", 1, true), tostring(value))
    return denied
  end
  if value == nil and err ~= nil then
    assert(denied and err.kind == "internal", tostring(err))
  end
  return denied, value, err
end

-- scenario(deny) → was anything denied?
local function each(name, scenario)
  local n = 1
  repeat
    reactor = core.virtual()
    core.use(reactor)
    local denied = scenario(function(...) return deny(n, ...) end)
    core.token_store(nil)
    core.use(nil)
    reactor:close()
    collectgarbage()
    n = n + 1
    assert(n < 1000, name)
  until not denied
  print(("%s %d"):format(name, n - 2))
end

local function asked()
  return answers.asked(reactor)
end

local function finish(futures, body)
  answers.finish(reactor, futures, body)
end

for _, row in ipairs(ROWS) do
  local name, operation, body = row[1], row[2], row[4]
  local function begin()
    local args = row[3]
    if type(args) == "function" then args = args() end
    local provider = assert(core.provider(name, OPTIONS[name]))
    return function() return provider:start(operation, args) end
  end

  each(name .. " begins " .. operation, function(try)
    local start = begin()
    local denied, future = try(start)
    local again = start()
    finish({ again, future }, body)
    assert(again:result(), "it does not recover")
    return denied
  end)

  each(name .. " takes the answer of " .. operation, function(try)
    local future = begin()()
    local sent = asked()
    assert(reactor:answer(sent.id, { status = 200, body = body }))
    local denied = try(reactor.drain, reactor, {})
    finish({ future }, body)
    local _, err = future:result()
    assert(not err or err.sent ~= "no", tostring(err))
    return denied
  end)

  each(name .. " takes a refusal of " .. operation, function(try)
    local future = begin()()
    local sent = asked()
    reactor:answer(sent.id, { status = 400,
      body = ('{"message":"%s","errors":{"x":["%s"]},"error":"no"}'):format(SECRETS[name],
        SECRETS[name]) })
    local denied = try(reactor.drain, reactor, {})
    finish({}, body)
    local _, err = future:result()
    assert(err.sent == "yes" or err.kind == "internal", tostring(err))
    assert(not tostring(err):find(SECRETS[name], 1, true), tostring(err))
    return denied
  end)
end

each("a token is answered", function(try)
  local provider = assert(core.provider("ssg", OPTIONS.ssg))
  local futures = {}
  for i = 1, 3 do futures[i] = provider:start("charge", ORDER) end
  reactor:answer(reactor:outbox().id, { status = 200, body = TOKEN })
  local denied = try(reactor.drain, reactor, {})
  finish(futures, ROWS[1][4])
  for i = 1, 3 do
    local _, err = futures[i]:result()
    assert(not err or err.sent == "no", tostring(err))
  end
  local again = provider:start("charge", ORDER)
  finish({ again }, ROWS[1][4])
  assert(again:result())
  return denied
end)

each("a refused token is renewed", function(try)
  local provider = assert(core.provider("ssg", OPTIONS.ssg))
  local future = provider:start("charge", ORDER)
  reactor:answer(asked().id, { status = 401, body = '{"message":"Unauthenticated."}' })
  local denied = try(reactor.drain, reactor, {})
  finish({ future }, ROWS[1][4])
  return denied
end)

each("a call is written in the other way", function(try)
  local provider = assert(core.provider("ssg", OPTIONS.ssg))
  local future = provider:start("charge", ORDER)
  reactor:answer(asked().id, { status = 422,
    body = '{"message":"value","errors":{"value":["must be a string"]}}' })
  local denied = try(reactor.drain, reactor, {})
  finish({ future }, ROWS[1][4])
  return denied
end)

-- A token that others fetch: it is waited for, then there, or to be fetched after all.
for _, ending in ipairs { "there", "fetched", "awaited" } do
  each("a shared token is " .. ending, function(try)
    local token, may = nil, false
    core.token_store {
      get = function() return token, reactor:wall() + 1000 end,
      claim = function() return may end, set = function() end, release = function() end,
    }
    local provider = assert(core.provider("ssg", OPTIONS.ssg))
    local future = provider:start("charge", ORDER)
    token, may = ending == "there" and "shared" or nil, ending == "fetched"
    reactor:advance(0.1)
    local denied = try(reactor.drain, reactor, {})
    may = true
    finish({ future }, ROWS[1][4])
    local _, err = future:result()
    assert(not err or err.sent == "no", tostring(err))
    return denied
  end)
end

each("a shared token is waited for", function(try)
  core.token_store {
    get = function() end, claim = function() return false end, set = function() end,
    release = function() end,
  }
  local provider = assert(core.provider("ssg", OPTIONS.ssg))
  local denied, future = try(provider.start, provider, "charge", ORDER)
  core.token_store(nil)
  finish({ future }, ROWS[1][4])
  return denied
end)

each("an impatient call waits for a token", function(try)
  local provider = assert(core.provider("ssg", OPTIONS.ssg))
  local denied, future = try(provider.start, provider, "charge", { amount = 100, timeout = 2 })
  finish({ future }, ROWS[1][4])
  return denied
end)

each("a provider is made", function(try)
  local denied, provider = try(core.provider, "payzu", OPTIONS.payzu)
  assert(denied or provider)
  local future = assert(core.provider("payzu", OPTIONS.payzu)):start("charge", ORDER)
  finish({ future }, ROWS[7][4])
  assert(future:result())
  return denied
end)

each("timers and promises are made", function(try)
  local futures = {}
  local denied = try(function()
    futures[1] = core.timer(1)
    futures[2] = core.promise()
    futures[2]:fulfil("x")
    return true
  end)
  if futures[2] then pcall(futures[2].fulfil, futures[2], "x") end
  finish({}, "{}")
  for i = 1, 2 do
    local future = futures[i]
    assert(not future or future:ready(), "future " .. i .. " is lost")
    local value, err
    if future then value, err = future:result() end
    assert(not err or err.kind == "internal", tostring(err))
    assert(not future or value or err)
  end
  return denied
end)

each("the tools work", function(try)
  local MAC = "18e86baf2b0ab8e0abab67e3bb34f298ad728fd2c4378f2a015de519517a991e"
  return (try(function()
    for _, format in ipairs { "png", "svg", "text", "matrix" } do
      local picture, err = core.qr("000201", format, {})
      if not picture then return nil, err end
    end
    local code, err = core.brcode_encode { key = "loja@example.com", name = "Loja", city = "RIO" }
    if not code then return nil, err end
    return core.webhook('{"transaction":{"id":"PIX1","status":"completed"}}', MAC,
      { "another", "hush" })
  end))
end)

each("a reactor starts", function(try)
  core.use(nil)
  local denied = try(function()
    local real, err = core.reactor()
    if not real then return nil, err end
    return real:doorbell()
  end)
  local real = assert(core.reactor())
  local timer = core.timer(0)
  while not timer:ready() do
    real:wait(10)
    real:drain {}
  end
  real:close()
  core.use(reactor)
  return denied
end)

each("a journal is written", function(try)
  local path = os.tmpname()
  local denied, journal = try(core.journal, require "pix.journal_sqlite", path)
  journal = journal or assert(core.journal(require "pix.journal_sqlite", path))
  local made = journal:submit { { sql = "create table t (a, b)" } }
  reactor:drain {}
  assert(made:result())
  local missed, future = try(function()
    local list = {}
    for i = 1, 5 do
      list[i] = { sql = "insert into t values (?, ?)", n = 2, i, ("x"):rep(100 * i) }
    end
    return journal:submit(list)
  end)
  local drained = try(reactor.drain, reactor, {})
  reactor:drain {}
  if future then
    local rows, err = future:result()
    assert(rows or err.kind == "internal", tostring(err))
  end
  local count = journal:submit { { sql = "select count(*) as n from t" } }
  reactor:drain {}
  local n = count:result()[1][1].n
  assert(n == 0 or n == 5, "half a transaction")
  journal:close()
  for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
  return denied or missed or drained
end)
print "done"
