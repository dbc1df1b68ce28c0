-- What the bindings do when Lua has no memory: each step is run with the first, the second, the
-- third … allocation failing, until it needs no more. LuaJIT has an allocator of its own.
if rawget(_G, "jit") then return end

local no_memory = require "spec.support.no_memory"
local each_allocation, tried = no_memory.each_allocation, no_memory.tried

describe("without memory", function()
  it("pix.core loads, or can be loaded later", function()
    tried [[
      package.loaded["pix.core"] = nil
      local _, _, failed = try(require, "pix.core")
      assert(require "pix.core".version)
      return failed
    ]]
  end)

  it("a reactor is made, or can be made later", function()
    tried [[
      local made, other, failed = try(core.virtual)
      if made then other:close() end
      assert(core.virtual()):close()
      return failed
    ]]
  end)

  it("the real reactor is started, used and closed", function()
    tried [[
      core.use(nil)
      local _, _, failed = try(function()
        local real = assert(core.reactor())
        local timer = core.timer(0)
        real:drain({})
        real:close()
        return timer
      end)
      assert(core.reactor()):close()
      return failed
    ]]
  end)

  it("a provider is made, or can be made later", function()
    tried [[
      local _, _, failed = try(core.provider, "ssg", TOKEN)
      local made = assert(core.provider("ssg", TOKEN))
      local future = made:start("charge", ORDER)
      settle { future }
      return failed
    ]]
  end)

  it("a wrong option is told, or memory is missing", function()
    tried [[
      local _, _, failed = try(function()
        local made, err = core.provider("ssg", { client_id = "x", clinet_secret = "y" })
        assert(not made and err.kind == "config")
        return err
      end)
      return failed
    ]]
  end)

  for _, provider in ipairs { "payzu", "ssg" } do
    local options = provider == "payzu" and "KEY" or "TOKEN"

    it("a charge at " .. provider .. " is begun, or may be begun again", function()
      tried(([[
        local provider = assert(core.provider("%s", %s))
        local began, future, failed = try(provider.start, provider, "charge", ORDER)
        local again = provider:start("charge", ORDER)
        settle { again, began and future or nil }
        assert(again:result())
        return failed
      ]]):format(provider, options))
    end)

    it("an answer of " .. provider .. " comes out of a drain, and the others' too", function()
      tried(([[
        local provider = assert(core.provider("%s", %s))
        local futures = {}
        for i = 1, 3 do futures[i] = provider:start("charge", ORDER) end
        futures[4] = core.timer(0)
        futures[5] = core.promise()
        futures[5]:fulfil("x")
        while true do
          local sent = reactor:outbox()
          if not sent then break end
          local body = sent.operation == "token" and '{"access_token":"t0ken","expires_in":3600}'
            or "%s" == "ssg" and '{"id":"1","qr_code_text":"opaque","status":"PENDING"}' or CREATED
          reactor:answer(sent.id, { status = 200, body = body })
        end
        reactor:advance(0)
        local list, most = {}, nil
        local _, _, failed = try(reactor.drain, reactor, list, most)
        local reported = #list
        settle(futures)
        for i = 1, 3 do told(futures[i]) end
        assert(futures[4]:result() == true and futures[5]:result() == "x")
        return failed
      ]]):format(provider, options, provider))
    end)
  end

  it("a token is read, or the calls that wait for it are told", function()
    tried [[
      local provider = assert(core.provider("ssg", TOKEN))
      local futures = {}
      for i = 1, 3 do futures[i] = provider:start("charge", { amount = 100, timeout = 5 }) end
      local sent = reactor:outbox()
      reactor:answer(sent.id, { status = 200, body = '{"access_token":"t0ken","expires_in":3600}' })
      local _, _, failed = try(reactor.drain, reactor, {})
      settle(futures)
      for i = 1, 3 do
        local _, err = told(futures[i])
        assert(not err or err.sent == "no", "nothing had left")
      end
      local again = provider:start("charge", ORDER)
      settle { again }
      assert(again:result())
      return failed
    ]]
  end)

  it("a refused token is told to all who wait", function()
    tried [[
      local provider = assert(core.provider("ssg", TOKEN))
      local futures = {}
      for i = 1, 3 do futures[i] = provider:start("charge", ORDER) end
      reactor:answer(reactor:outbox().id, { status = 401, body = '{"message":"no s3cret-of-ssg"}' })
      local _, _, failed = try(reactor.drain, reactor, {})
      reactor:drain {}
      for i = 1, 3 do
        local value, err = futures[i]:result()
        assert(not value and err.sent == "no", "a call that failed")
        assert(err.kind == "auth" or err.kind == "internal", err.kind)
        assert(not tostring(err):find("s3cret", 1, true))
      end
      return failed
    ]]
  end)

  it("an error that echoes a secret is told without it, or as internal", function()
    tried [[
      local provider = assert(core.provider("payzu", KEY))
      local future = provider:start("charge", ORDER)
      reactor:answer(reactor:outbox().id, { status = 500, headers = { ["Retry-After"] = "3" },
        body = '{"error":"k3y-of-payzu","details":["k3y-of-payzu"],"k3y-of-payzu":"it"}' })
      local _, _, failed = try(reactor.drain, reactor, {})
      reactor:drain {}
      local value, err = future:result()
      assert(not value and err.sent == "maybe", "a write that may have been done")
      assert(err.kind == "unavailable" or err.kind == "internal", err.kind)
      assert(not tostring(err):find("k3y", 1, true))
      return failed
    ]]
  end)

  it("a refused token is renewed, or the call ends", function()
    tried [[
      local provider = assert(core.provider("ssg", TOKEN))
      settle { provider:start("charge", ORDER) }
      local future = provider:start("charge", ORDER)
      reactor:answer(reactor:outbox().id, { status = 401, body = '{"message":"Unauthenticated."}' })
      local _, _, failed = try(reactor.drain, reactor, {})
      settle { future }
      told(future)
      return failed
    ]]
  end)

  it("a call is encoded once more, or ends", function()
    tried [[
      local provider = assert(core.provider("ssg", TOKEN))
      settle { provider:start("charge", ORDER) }
      local future = provider:start("charge", ORDER)
      reactor:answer(reactor:outbox().id, { status = 422,
        body = '{"message":"value","errors":{"value":["must be a string"]}}' })
      local _, _, failed = try(reactor.drain, reactor, {})
      settle { future }
      told(future)
      return failed
    ]]
  end)

  it("a shared token store is asked, or the call ends", function()
    tried [[
      local kept, expires
      core.token_store {
        get = function() return kept, expires end,
        claim = function() return true end,
        set = function(_, token, at) kept, expires = token, at end,
        release = function() end,
      }
      local provider = assert(core.provider("ssg", TOKEN))
      local began, future, failed = try(provider.start, provider, "charge", ORDER)
      local again = provider:start("charge", ORDER)
      settle { again, began and future or nil }
      return failed
    ]]
  end)

  it("a subscription by card is begun, or may be begun again", function()
    tried [[
      local CARD = { number = "4111111111111111", cvv = "737", expiry = "12/2049", holder = "JOAO" }
      local provider = assert(core.provider("payzu", KEY))
      local began, future, failed = try(function()
        local card, err = core.card(CARD)
        if not card then return nil, err end
        return provider:start("subscribe", { plan = "P1", card = card, payer = { name = "Maria",
          tax_id = "52998224725", email = "m@example.com", phone = "11987654321" } })
      end)
      if began then
        reactor:answer(reactor:outbox().id, { status = 200, body =
          '{"success":true,"subscription_id":"S1","transaction_id":"T1","status":"aprovado"}' })
        reactor:drain {}
        assert(future:result(), "no subscription")
      end
      return failed
    ]]
  end)

  it("timers and promises are made, fulfilled and cancelled, or can be later", function()
    tried [[
      local futures = {}
      local _, _, failed = try(function()
        futures[1] = core.timer(1)
        futures[2] = core.promise()
        futures[2]:fulfil({})
        futures[3] = core.promise()
        futures[3]:cancel()
        futures[4] = core.timer(100)
        futures[4]:cancel()
        return true
      end)
      if futures[2] then pcall(futures[2].fulfil, futures[2], 1) end
      if futures[3] then futures[3]:cancel() end
      if futures[4] then futures[4]:cancel() end
      for _ = 1, 3 do
        reactor:drain {}
        reactor:advance(1)
      end
      reactor:drain {}
      for i = 1, 4 do
        assert(not futures[i] or futures[i]:ready(), "future " .. i .. " is lost")
        local value, err
        if futures[i] then value, err = futures[i]:result() end
        assert(i < 3 or not err or err.kind == "cancelled", tostring(err))
        assert(value or err or not futures[i])
      end
      assert(reactor:pending() == 0)
      return failed
    ]]
  end)

  it("a result that could not be told is told later", function()
    tried [[
      local future = core.timer(100)
      future:cancel()
      reactor:drain {}
      local _, _, failed = try(function() return select(2, future:result()) end)
      local value, err = future:result()
      assert(value == nil and err.kind == "cancelled", tostring(err))
      assert(select(2, future:result()) == err, "two errors of one future")
      return failed
    ]]
  end)

  it("a reactor closes, and every future under way is told", function()
    local missed = each_allocation [[
      local provider = assert(core.provider("ssg", TOKEN))
      local futures = { provider:start("charge", ORDER), core.timer(5), core.promise() }
      local closed, _, failed = try(function() reactor:close() return true end)
      assert(closed, "closing needs memory")
      for i = 1, 2 do
        local _, err = futures[i]:result()
        assert(err.kind == "cancelled" and err.sent == "no", tostring(err))
      end
      return failed
    ]]
    assert.equal(0, missed)
  end)

  it("an exchange is shown to a test, or shown later", function()
    tried [[
      local provider = assert(core.provider("payzu", KEY))
      local future = provider:start("charge", ORDER)
      local sent
      local _, _, failed = try(function()
        sent = reactor:outbox()
        assert(reactor:answer(sent.id, { status = 200, body = CREATED }))
        return sent
      end)
      if sent then reactor:answer(sent.id, { status = 200, body = CREATED }) end
      settle { future }
      return failed
    ]]
  end)

  it("the journal's transaction is done, or told as internal", function()
    tried [[
      local path = os.tmpname()
      local journal = assert(core.journal(require "pix.journal_sqlite", path))
      local future = journal:submit { { sql = "create table t (a, b)" } }
      reactor:drain {}
      assert(future:result())
      local fine, value, failed = try(function()
        local one = journal:submit { { sql = "insert into t values (?, ?)", 1, "text" } }
        local two = journal:submit { { sql = "select * from t" } }
        local three = journal:submit { { sql = "insert into nothing values (1)" } }
        future = two
        reactor:drain {}
        return one
      end)
      reactor:drain {}
      local rows, err = future:result()
      assert(rows or err.kind == "internal" and err.sent == "maybe", tostring(err))
      journal:close()
      for _, suffix in ipairs { "", "-wal", "-shm" } do os.remove(path .. suffix) end
      return failed
    ]]
  end)

  it("codes, pictures and webhooks come out, or memory is missing", function()
    tried [[
      local CODE = { key = "loja@example.com", name = "Loja", city = "RIO", amount = 100 }
      local _, _, failed = try(function()
        local code, err = core.brcode_encode(CODE)
        if not code then return nil, err end
        local read, why = core.brcode_decode(code)
        if not read then return nil, why end
        for _, format in ipairs { "png", "svg", "text", "matrix" } do
          local picture, reason = core.qr(code, format, {})
          if not picture then return nil, reason end
        end
        assert(select(2, core.brcode_decode("x")).kind == "invalid")
        assert(core.money("19.90") == 1990)
        assert(core.tax_id("529.982.247-25") == "cpf")
        assert(core.phone("11987654321"))
        return true
      end)
      return failed
    ]]
  end)

  it("a webhook is verified, or memory is missing", function()
    tried [[
      local BODY = '{"transaction":{"id":"PIX1","status":"completed"}}'
      local MAC = "18e86baf2b0ab8e0abab67e3bb34f298ad728fd2c4378f2a015de519517a991e"
      local _, _, failed = try(function()
        local event, err = core.webhook(BODY, MAC, { "another", "hush" })
        if not event and err.kind == "invalid" then return true end -- its decoder had no memory
        if event then assert(event.id == "PIX1" and event.status == "paid") end
        return event, err
      end)
      return failed
    ]]
  end)
end)
