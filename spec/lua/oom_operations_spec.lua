-- Every operation of every provider when Lua has no memory, at its beginning and when its answer
-- comes: it ends, as what it is or as an error of kind internal that never says that nothing left
-- when something had. And the rest of the bindings.
if rawget(_G, "jit") then return end

local tried = require "spec.support.no_memory".tried

local MORE = [[
  local OPTIONS = {
    ssg = TOKEN, payzu = KEY,
    detseg = { client_id = "client-17", client_token = "t0ken-of-detseg", allow_http = true,
      base_url = "http://127.0.0.1:9" },
  }
  local answers = require "spec.lua.answers"

  local function asked(is_token) return answers.asked(reactor, is_token) end
  local function finish(futures, body) answers.finish(reactor, futures, body) end
]]

local PAYER = [[{ name = "Maria", tax_id = "52998224725", email = "m@example.com",
  phone = "11987654321" }]]
local ORDER = '{ amount = 100, description = "Coffee", payer = ' .. PAYER .. " }"
local ONE = '{ id = "U1", amount = 100 }'
local TOKENS = '{"access_token":"t0ken","expires_in":3600}'
local LIST = '{"transactions":[{"transaction_id":"U1","status":"pending","value":1.00}]}'

-- Provider, operation, arguments, the body of a good answer; is that all the token's?
local ROWS = {
  { "ssg", "charge", ORDER, '{"id":"U1","qr_code_text":"opaque","status":"PENDING"}' },
  { "ssg", "status", ONE, '{"status":"PENDING"}' },
  { "ssg", "cancel", ONE, '{"status":"CANCELLED"}' },
  { "ssg", "refund", ONE, '{"id":"U1","status":"REFUNDED","value":1.00}' },
  { "ssg", "check", "nil", TOKENS, true },
  { "detseg", "charge", ORDER, '{"message":"x","transaction_id":"U1","payment_code":"opaque"}' },
  { "detseg", "status", ONE, LIST },
  { "detseg", "search", "{ from = 1790000000, to = 1790000100 }", LIST },
  { "detseg", "check", "nil", TOKENS, true },
  { "payzu", "charge", ORDER, '{"id":"U1","qrCodeText":"opaque","status":"PENDING"}' },
  { "payzu", "status", ONE, '{"transaction":{"id":"U1","status":"pending","amount":1.00}}' },
  { "payzu", "check", "nil", '{"transaction":{"id":"U1","status":"pending","amount":1.00}}' },
  { "payzu", "subscribe", '{ plan = "P1", card = card, payer = ' .. PAYER .. " }",
    '{"success":true,"subscription_id":"S1","transaction_id":"T1","status":"aprovado"}' },
}

describe("without memory", function()
  for _, row in ipairs(ROWS) do
    local name, operation, args, body = row[1], row[2], row[3], row[4]
    local begin = MORE .. ([[
      local card = core.card { number = "4111111111111111", cvv = "737", expiry = "12/2049",
        holder = "JOAO" }
      local provider = assert(core.provider(%q, OPTIONS[%q]))
      local ARGS, BODY, IS_TOKEN = %s, %q, %s
      local function start() return provider:start(%q, ARGS) end
    ]]):format(name, name, args, body, row[5] or false, operation)

    it(("%s %s begins, or may begin again"):format(name, operation), function()
      tried(begin .. [[
        local began, future, failed = try(start)
        local again = start()
        finish({ again, began and future or nil }, BODY)
        assert(again:result(), "it does not recover")
        return failed
      ]])
    end)

    it(("%s %s takes its answer, or says that it may have been done"):format(name, operation),
      function()
        tried(begin .. [[
          local future = start()
          local sent = asked(IS_TOKEN)
          reactor:answer(sent.id, { status = 200, body = BODY })
          local _, _, failed = try(reactor.drain, reactor, {})
          finish({ future }, BODY)
          local value, err = future:result()
          if err and not IS_TOKEN then assert(err.sent ~= "no", tostring(err)) end
          return failed
        ]])
      end)
  end

  it("an answer is taken in a coroutine whose stack is too small", function()
    tried(MORE .. [[
      local provider = assert(core.provider("payzu", OPTIONS.payzu))
      local future = provider:start("charge", ORDER)
      reactor:answer(asked().id, { status = 200,
        body = '{"id":"U1","qrCodeText":"opaque","status":"PENDING"}' })
      local co = coroutine.create(function() reactor:drain {} return true end)
      local _, _, failed = try(function()
        local ok, value = coroutine.resume(co)
        if not ok then error(value, 0) end
        return value
      end)
      finish({ future }, "{}")
      local _, err = future:result()
      assert(not err or err.sent == "maybe", tostring(err))
      return failed
    ]])
  end)

  it("a refusal is told in the provider's words, or as internal", function()
    tried(MORE .. [[
      local provider = assert(core.provider("ssg", OPTIONS.ssg))
      local future = provider:start("status", { id = "U1", amount = 100 })
      local sent = asked()
      reactor:answer(sent.id, { status = 422, headers = { ["Retry-After"] = "5" },
        body = '{"message":"Valor","errors":{"amount":["alto","demais"],"name":"falta"}}' })
      local _, _, failed = try(reactor.drain, reactor, {})
      finish({}, "{}")
      local value, err = future:result()
      assert(not value and (err.kind == "invalid" or err.kind == "internal"), tostring(err))
      if err.kind == "internal" then assert(err.sent ~= "no") end
      return failed
    ]])
  end)

  it("an exchange that failed is told, or as internal", function()
    tried(MORE .. [[
      local provider = assert(core.provider("payzu", OPTIONS.payzu))
      local future = provider:start("charge", ORDER)
      local sent = asked()
      reactor:fail(sent.id, "timeout", "maybe")
      local _, _, failed = try(reactor.drain, reactor, {})
      finish({}, "{}")
      local value, err = future:result()
      assert(not value and err.sent == "maybe", tostring(err))
      return failed
    ]])
  end)

  it("a journal opens, or can be opened later, and closes", function()
    tried [[
      local path = os.tmpname()
      local _, journal, failed = try(core.journal, require "pix.journal_sqlite", path)
      if type(journal) == "userdata" then journal:close() end
      journal = assert(core.journal(require "pix.journal_sqlite", path))
      local future = journal:submit { { sql = "create table t (a)" } }
      reactor:drain {}
      assert(future:result())
      journal:close()
      for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
      return failed
    ]]
  end)

  it("a journal's refusals, rows and counts are told, or memory is missing", function()
    tried [[
      local path = os.tmpname()
      local journal = assert(core.journal(require "pix.journal_sqlite", path))
      local made = journal:submit { { sql = "create table t (a, b)" },
        { sql = "insert into t values (?, ?)", 7, "seven" } }
      reactor:drain {}
      assert(made:result())
      local good = journal:submit { { sql = "select a, b, null as c, 1.5 as d from t" } }
      local bad = journal:submit { { sql = "insert into t values (8, 8)" },
        { sql = "update t set a = 9 where a = 0", expect = 1 } }
      local _, _, failed = try(reactor.drain, reactor, {})
      reactor:drain {}
      local rows, err = good:result()
      assert(rows or err.kind == "internal", tostring(err))
      local none, why = bad:result()
      assert(not none and why.kind, "half a transaction")
      local counted, counts = try(function() return journal:counts() end)
      journal:close()
      for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
      return failed
    ]]
  end)

  it("tools give their value, or memory is missing", function()
    tried [[
      local _, _, failed = try(function()
        assert(core.format(123456) == "R$ 1.234,56" and core.decimal(1990) == "19.90")
        assert(core.date_parse(core.date(1790000000)) == 1790000000)
        assert(#core.hex_sha256("x") == 64 and #core.random(12) > 0)
        assert(core.from_base64(core.base64("x")) == "x" and core.from_base64("*") == nil)
        assert(core.json_decode('{"a":[1,{"b":null}]}').a[1] == 1)
        assert(core.provider_facts("ssg") and #core.providers() == 3 and core.versions().luapix)
        assert(core.error { kind = "invalid", message = "x", fields = { a = "b" } }.kind)
        return true
      end)
      return failed
    ]]
  end)
end)
