local core = require "pix.core"
local pix = require "pix"

describe("pix.testing", function()
  local t, ssg

  before_each(function()
    t = pix.testing.start()
    ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
  end)

  after_each(function() t:stop() end)

  describe("without a script", function()
    it("answers a happy path of each provider", function()
      local payer = {
        name = "Ana", tax_id = "52998224725", email = "ana@example.com", phone = "11999999999",
      }
      for _, provider in ipairs {
        ssg,
        assert(pix.detseg { client_id = "i", client_token = "t" }),
        assert(pix.detseg { client_id = "i", client_token = "t", dialect = "payment",
          user_id = "7" }),
        assert(pix.payzu { api_key = "k", webhook_url = "https://shop.example/hook" }),
      } do
        local charge = assert(provider:charge { amount = "365.90", payer = payer,
          description = "Café" })
        assert.equal("pending", charge:refresh())
        assert.equal("brcode", charge.code_kind)
        assert.equal(36590, pix.brcode.decode(charge.code).amount)
        t:pay(charge)
        assert.equal("paid", charge:refresh())
        assert.is_true(provider:check())
      end
    end)

    it("knows nothing of ids that it has not given", function()
      for _, provider in ipairs {
        ssg, assert(pix.detseg { client_id = "i", client_token = "t" }),
        assert(pix.payzu { api_key = "k" }),
      } do
        local status, err = provider:status "0192fee7-4c2a-73bb-a74a-856ec3c77842"
        assert.is_nil(status)
        assert.equal("not_found", err.kind)
      end
    end)

    it("expires, rejects and cancels where the provider has a word for it", function()
      local payzu = assert(pix.payzu { api_key = "k", webhook_url = "https://shop.example/h" })
      local charge = assert(payzu:charge { amount = 100 })
      t:expire(charge)
      assert.equal("expired", charge:refresh())
      local other = assert(payzu:charge { amount = 100 })
      t:cancel(other.id)
      assert.equal("cancelled", other:refresh())
      assert.error_matches(function() t:reject(other) end, "no word for rejected")
      assert.error_matches(function() t:pay "unheard of" end, "no charge unheard of")
    end)

    it("refuses a charge's cancellation once it is paid, as the document says", function()
      local charge = ssg:charge { amount = 100 }
      t:pay(charge)
      assert.equal("conflict", select(2, ssg:cancel(charge)).kind)
    end)
  end)

  describe(":reply", function()
    it("answers once, by a table that becomes JSON", function()
      t:reply("ssg", "charge", { status = 500, body = { message = "Erro ao criar o QR Code." } })
      local charge, err = ssg:charge { amount = 100 }
      assert.is_nil(charge)
      assert.equal("unavailable", err.kind)
      assert.equal("maybe", err.sent)
      assert.equal("Erro ao criar o QR Code.", err.message)
      assert.is_truthy(ssg:charge { amount = 100 })
    end)

    it("answers by text as it is", function()
      t:reply("ssg", "charge", { status = 201, body = '{"id":"x","qr_code_text":"abc",'
        .. '"status":"PENDING","value":"1.00"}' })
      assert.equal("abc", ssg:charge { amount = 100 }.code)
    end)

    it("answers in the order in which it was scripted", function()
      t:reply("ssg", "status", { body = { status = "PAID" } })
      t:reply("ssg", "status", { body = { status = "REFUNDED" } })
      assert.equal("paid", ssg:status("x").status)
      assert.equal("refunded", ssg:status("x").status)
    end)

    it("answers by a function of the request", function()
      local charge
      t:reply("ssg", "status", function(request)
        charge = request.path
        return { body = { status = "PAID" } }
      end)
      ssg:status "abc"
      assert.equal("/api/qrcode/abc/status", charge)
    end)

    it("takes its time, on the virtual clock", function()
      t:reply("ssg", "charge", { status = 401, body = {}, delay = 2 })
      ssg:charge { amount = 100 }
      assert.equal(2, t:now())
    end)

    it("times out a request that is answered too late, or never", function()
      for _, reply in ipairs { { hang = true }, { delay = 1000 } } do
        t:reply("ssg", "charge", reply)
        local began = t:now()
        local charge, err = ssg:charge { amount = 100 }
        assert.is_nil(charge)
        assert.equal("timeout", err.kind)
        assert.equal("maybe", err.sent)
        assert.is_true(math.abs(t:now() - began - 15) < 0.01)
      end
    end)

    it("sends headers that luapix looks at", function()
      t:reply("ssg", "status", { status = 429, body = {}, headers = { ["Retry-After"] = "7" } })
      assert.equal(7, select(2, ssg:status "x").retry_after)
    end)

    it("lets several requests be under way at once", function()
      for _ = 1, 50 do
        t:reply("ssg", "status", { body = { status = "PAID" }, delay = 5 })
      end
      local list = {}
      for i = 1, 50 do
        list[i] = function() return ssg:status "x" end
      end
      local results = pix.all(list)
      assert.equal(50, results.n)
      assert.equal(5, t:now())
    end)

    it("refuses what is no reply", function()
      assert.error_matches(function() t:reply("ssg", "charge", 500) end, "table or a function")
      assert.error_matches(function() t:reply("ssg") end, "an operation")
    end)
  end)

  it("keeps a handler until it is taken away", function()
    t:handle("ssg", "status", function() return { body = { status = "PAID" } } end)
    assert.equal("paid", ssg:status("x").status)
    assert.equal("paid", ssg:status("x").status)
    t:handle("ssg", "status", nil)
    assert.equal("not_found", select(2, ssg:status "x").kind)
  end)

  it("lets the transport fail", function()
    t:fail("ssg", "charge", { kind = "network", sent = "no", message = "refused" })
    local charge, err = ssg:charge { amount = 100 }
    assert.is_nil(charge)
    assert.equal("network", err.kind)
    assert.equal("no", err.sent)
    assert.equal("refused", err.message)
    assert.error_matches(function() t:fail("ssg", "charge", { kind = "auth" }) end, "t:reply")
    assert.error_matches(function() t:fail("ssg", "charge", { sent = "yes" }) end, "maybe")
  end)

  it("shows the requests with the bytes as they left", function()
    ssg:charge { amount = "365.90" }
    local requests = t:requests()
    assert.equal("token", requests[1].operation)
    assert.equal('{"device_code":"d","value":365.90}', requests[2].body)
    assert.equal(365.9, requests[2].json.value)
    assert.matches("^Bearer ", requests[2].headers.authorization)
    assert.equal("POST", requests[2].method)
    assert.equal(1, #t:requests("ssg", "charge"))
    assert.equal(0, #t:requests "payzu")
  end)

  it("tells which answers nobody asked for", function()
    t:reply("ssg", "status", { body = {} }):reply("ssg", "charge", { body = {} })
    assert.same({ "ssg charge", "ssg status" }, t:unused())
    ssg:status "x"
    assert.same({ "ssg charge" }, t:unused())
  end)

  it("lets twenty-four hours pass at once", function()
    local charge = ssg:charge { amount = 100 }
    assert.equal("timeout", select(2, charge:wait { timeout = 86400 }).kind)
    assert.is_true(t:now() >= 86400)
  end)

  it("lets time pass between frames, and all happen that falls into it", function()
    local ticks = 0
    pix.spawn(function()
      while pix.sleep(1) do
        ticks = ticks + 1
      end
    end)
    t:advance(3.5)
    assert.equal(3, ticks)
    t:advance(0.5)
    assert.equal(4, ticks)
    assert.error_matches(function() t:advance(-1) end, "seconds")
  end)

  it("lets time pass from within a task", function()
    pix.run(function()
      t:advance(5)
      assert.equal(5, t:now())
    end)
  end)

  it("lists what waits when nothing can move any more", function()
    local ok, err = pcall(pix.run, function() pix.await(core.promise()) end)
    assert.is_false(ok)
    assert.matches("nothing can move", err)
    assert.matches("promise at .-testing_spec.lua:%d+", err)
  end)

  it("says how to script an answer that is missing", function()
    local real = require("pix.testing.replies").providers.ssg.charge
    require("pix.testing.replies").providers.ssg.charge = nil
    finally(function() require("pix.testing.replies").providers.ssg.charge = real end)
    assert.error_matches(function() ssg:charge { amount = 100 } end, 't:reply%("ssg", "charge"')
  end)

  it("stands at the time of day that it is told", function()
    t:stop()
    t = pix.testing.start { wall = 1900000000 }
    assert.equal(1900000000, core.reactor():wall())
  end)

  it("does not start twice, and stops twice", function()
    assert.error_matches(pix.testing.start, "t:stop")
    t:stop()
    t:stop()
    assert.is_false(core.reactor():is_virtual())
  end)

  it("drops the tasks of a test at its end", function()
    local ran
    pix.spawn(function() ran = true end)
    t:stop()
    assert.equal(0, pix.update())
    assert.is_nil(ran)
  end)

  it("finds nothing left over of the test before", function()
    assert.equal(0, #t:requests())
    assert.equal(0, t:now())
  end)
end)

describe("pix.testing's JSON", function()
  local replies = require "pix.testing.replies"

  it("sorts members, keeps decimals, and escapes", function()
    assert.equal('{"a":[1,2],"b":"x\\"\\n\\u0001\\\\","c":true,"d":365.90,"e":{}}',
      replies.encode { b = 'x"\n\1\\', a = { 1, 2 }, c = true, d = replies.raw "365.90", e = {} })
    assert.error_matches(function() replies.encode { print } end, "cannot hold a function")
  end)
end)

-- The example of the page is a spec; it runs here as it stands there.
local function example(page)
  local file = assert(io.open(page, "rb"))
  local text = file:read "*a"
  file:close()
  return assert(text:match "```lua\n(.-)```")
end

describe("the example of docs/testing.md", function()
  local names = setmetatable({
    describe = describe, it = it, before_each = before_each, after_each = after_each,
    assert = assert,
  }, { __index = _G })
  local text = example "docs/testing.md"
  local chunk = setfenv and setfenv(assert(loadstring(text, "=docs/testing.md")), names)
    or assert(load(text, "=docs/testing.md", "t", names))
  chunk()
end)
