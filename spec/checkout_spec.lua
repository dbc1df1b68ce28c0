local pix = require "pix"
local shops = require "spec.support.shop"

local order = shops.order

describe("the checkout", function()
  local s, t

  before_each(function()
    s = shops.new()
    t = s.t
  end)

  after_each(function() s:stop() end)

  describe("makes a charge that", function()
    it("says its reference, its provider and the number of tries", function()
      local charge = assert(s:open({ "ssg", "detseg" }):charge(order "o-1"))
      assert.same({ "o-1", "ssg", 1, "pending", 1990 },
        { charge.reference, charge.provider, charge.attempts, charge.status, charge.amount })
      assert.truthy(charge.code)
      assert.same({ "charge.created" }, s:told())
    end)

    it("gets a reference when it has none", function()
      local charge = assert(s:open({ "ssg" }):charge { amount = "19.90" })
      assert.matches("^pix%-%x+$", charge.reference)
    end)

    it("can be waited for, refreshed, refunded and drawn", function()
      local charge = assert(s:open({ "ssg" }):charge(order "o-1"))
      assert.equal("pending", charge:refresh())
      assert.matches("PNG", charge:qr "png")
      t:pay(charge)
      assert.equal("paid", charge:wait { timeout = 60 })
      assert.equal("refunded", charge:refund())
      assert.equal("refunded", charge.status)
    end)

    it("can be cancelled, by its reference too", function()
      local shop = s:open { "ssg" }
      local charge = assert(shop:charge(order "o-1"))
      assert.equal("cancelled", shop:cancel "o-1")
      assert.equal("cancelled", charge.status)
      assert.same({ "charge.created", "charge.cancelled", "cancel.created" }, s:told())
    end)
  end)

  describe("after sent = no", function()
    it("tries again at the same provider, twice", function()
      s:fail("ssg", "network", "no", 2)
      local charge = assert(s:open({ "ssg" }):charge(order "o-1"))
      assert.equal(3, charge.attempts)
      assert.equal(3, s:asked().ssg)
    end)

    it("then goes to the next provider", function()
      s:fail("ssg", "network", "no", 3)
      local charge = assert(s:open({ "ssg", "detseg" }):charge(order "o-1"))
      assert.same({ "detseg", 4 }, { charge.provider, charge.attempts })
      assert.equal(1, s:count "charge.created")
      assert.equal(0, s:count "charge.failed")
    end)

    it("gives the last error with the number of tries when nobody is left", function()
      s:fail("ssg", "network", "no", 3)
      local charge, err = s:open({ "ssg" }):charge(order "o-1")
      assert.is_nil(charge)
      assert.same({ "network", "no", 3 }, { err.kind, err.sent, err.attempts })
    end)

    it("may be tried again under the same reference, for nothing exists", function()
      s:fail("ssg", "network", "no", 3)
      local shop = s:open { "ssg" }
      assert.is_nil((shop:charge(order "o-1")))
      assert.equal("o-1", assert(shop:charge(order "o-1")).reference)
    end)
  end)

  describe("after a definite refusal", function()
    it("that concerns the provider goes to the next one", function()
      t:reply("ssg", "charge", { status = 403, body = { message = "IP" } })
      local charge = assert(s:open({ "ssg", "detseg" }):charge(order "o-1"))
      assert.equal("detseg", charge.provider)
      assert.equal(1, s:asked().ssg)
    end)

    it("of credentials goes to the next one, although no charge was sent", function()
      t:reply("ssg", "token", { status = 401, body = { error = "invalid_client" } })
      assert.equal("detseg", assert(s:open({ "ssg", "detseg" }):charge(order "o-1")).provider)
      assert.equal(0, s:asked().ssg)
    end)

    it("of too many requests waits a little, or goes on when it would be long", function()
      t:reply("ssg", "charge", { status = 429, body = {}, headers = { ["Retry-After"] = 20 } })
      assert.equal("detseg", assert(s:open({ "ssg", "detseg" }):charge(order "o-1")).provider)
      assert.equal(0, t:now())
      t:reply("ssg", "charge", { status = 429, body = {}, headers = { ["Retry-After"] = 20 } })
      assert.equal("ssg", assert(s:open({ "ssg" }):charge(order "o-2")).provider)
      assert.equal(20, t:now())
    end)

    for _, status in ipairs { 400, 422 } do
      it(("of the order (%d) stops: the same data would fail elsewhere"):format(status), function()
        t:reply("ssg", "charge", { status = status, body = { message = "não" } })
        local charge, err = s:open({ "ssg", "detseg" }):charge(order "o-1")
        assert.is_nil(charge)
        assert.same({ "invalid", "yes", 1 }, { err.kind, err.sent, err.attempts })
        assert.equal(0, s:asked().detseg)
      end)
    end
  end)

  describe("after sent = maybe", function()
    for _, kind in ipairs { "timeout", "network", "protocol" } do
      it(("(%s) stops, says so, and asks nobody else"):format(kind), function()
        s:fail("ssg", kind, "maybe")
        local charge, err = s:open({ "ssg", "detseg" }):charge(order "o-1")
        assert.is_nil(charge)
        assert.same({ kind, "maybe", 1 }, { err.kind, err.sent, err.attempts })
        assert.matches("may exist", err.hint)
        assert.same({ ssg = 1, detseg = 0, payzu = 0 }, s:asked())
        assert.same({ "charge.unknown" }, s:told())
        assert.is_true(s.events[1].needs_person)
      end)
    end

    it("a 5xx is not a refusal: nothing is repeated", function()
      t:reply("ssg", "charge", { status = 503, body = {} })
      local _, err = s:open({ "ssg", "detseg" }):charge(order "o-1")
      assert.same({ "unavailable", "maybe" }, { err.kind, err.sent })
      assert.same({ ssg = 1, detseg = 0, payzu = 0 }, s:asked())
    end)

    it("does not make a second charge under the same reference", function()
      s:fail("ssg", "timeout", "maybe")
      local shop = s:open { "ssg", "payzu" }
      shop:charge(order "o-1")
      local charge, err = shop:charge(order "o-1")
      assert.is_nil(charge)
      assert.same({ "conflict", "unknown", "maybe" }, { err.kind, err.code, err.sent })
      assert.same({ ssg = 1, detseg = 0, payzu = 0 }, s:asked())
    end)

    it("a charge whose code is for another amount is never shown, and is cancelled", function()
      local code = assert(pix.brcode.encode { url = "x.example/1", amount = 100, name = "A",
        city = "B", txid = "***" })
      t:reply("ssg", "charge", { status = 201, body = { id = "0192fee7-0000", status = "PENDING",
        qr_code_text = code, value = "1.00" } })
      t:handle("ssg", "status", function() return { body = { status = "PENDING" } } end)
      t:handle("ssg", "cancel", function() return { body = { status = "CANCELLED" } } end)
      local shop = s:open { "ssg", "detseg" }
      local charge, err = shop:charge(order "o-1")
      assert.is_nil(charge)
      assert.same({ "mismatch", "yes" }, { err.kind, err.sent })
      assert.equal(0, s:asked().detseg)
      shop:watch { ["for"] = 30 }
      assert.equal(1, #t:requests("ssg", "cancel"))
      assert.equal("detseg", assert(s:open({ "detseg" }):charge(order "o-1")).provider)
    end)
  end)

  describe("with the same reference", function()
    it("and the same parameters gives the stored answer", function()
      local shop = s:open { "ssg" }
      local charge = assert(shop:charge(order "o-1"))
      assert.equal(charge, shop:charge(order "o-1"))
      assert.equal(charge, shop:charge(order("o-1", { amount = "19.90" })))
      assert.equal(1, s:asked().ssg)
    end)

    it("and other parameters is a conflict", function()
      local shop = s:open { "ssg" }
      assert(shop:charge(order "o-1"))
      for _, change in ipairs { { amount = 1991 }, { description = "Chá" }, { payer = {} } } do
        local charge, err = shop:charge(order("o-1", change))
        assert.is_nil(charge)
        assert.same({ "conflict", "no" }, { err.kind, err.sent })
      end
      assert.equal(1, s:asked().ssg)
    end)

    it("at the same time makes one charge for all who ask", function()
      local shop = s:open { "ssg" }
      t:reply("ssg", "charge", { status = 201, delay = 2, body = { id = "id-1", status = "PENDING",
        qr_code_text = "eyJpZCI6MX0=", value = "19.90" } })
      pix.run(function()
        local tasks = {}
        for i = 1, 5 do
          tasks[i] = function() return shop:charge(order "o-1") end
        end
        local results = pix.all(tasks)
        for i = 1, 5 do
          assert.equal(results[1], results[i])
        end
      end)
      assert.equal(1, s:asked().ssg)
    end)

    it("is paid by an earlier charge that was paid late: there is no new one", function()
      local shop = s:open { "payzu", expires_in = 60 }
      local first = assert(shop:charge(order "o-1"))
      first:wait { timeout = 100 }
      local second = assert(shop:charge(order "o-1"))
      assert.equal("expired", second:wait { timeout = 100 })
      t:pay(first)
      assert.equal("paid", shop:status(first))
      assert.equal(first, shop:charge(order "o-1"))
      assert.equal(2, s:asked().payzu)
    end)

    it("after its code has expired makes a new one, the only one that is shown", function()
      local shop = s:open { "ssg", expires_in = 60 }
      local first = assert(shop:charge(order "o-1"))
      assert.equal("expired", first:wait { timeout = 600 })
      local second = assert(shop:charge(order "o-1"))
      assert.not_equal(first.id, second.id)
      assert.equal("pending", second.status)
      assert.equal(second, shop:charge(order "o-1"))
    end)
  end)

  describe("within a deadline", function()
    it("covers token, tries, failover and waits together", function()
      t:handle("ssg", "token", function() return { hang = true } end)
      t:handle("detseg", "charge", function() return { hang = true } end)
      local charge, err = s:open({ "ssg", "detseg", deadline = 20 }):charge(order "o-1")
      assert.is_nil(charge)
      assert.truthy(t:now() <= 20.01, "took " .. t:now())
      assert.truthy(err.sent == "no" or err.sent == "maybe")
    end)

    it("lets it win over the number of tries", function()
      s:fail("ssg", "network", "no", 5)
      local _, err = s:open({ "ssg", retry = { attempts = 9 }, deadline = 1 }):charge(order "o-1")
      assert.equal("no", err.sent)
      assert.truthy(s:asked().ssg < 5)
      assert.truthy(t:now() <= 1)
    end)

    it("may be given for one order", function()
      t:handle("ssg", "charge", function() return { hang = true } end)
      s:open({ "ssg" }):charge(order("o-1", { deadline = 2 }))
      assert.near(2, t:now(), 0.01)
    end)
  end)

  describe("with a breaker", function()
    it("stops asking a provider that fails, probes it cheaply, and comes back", function()
      t:handle("payzu", "charge", function() return { status = 503, body = {} } end)
      local shop = s:open { "payzu", "ssg" }
      for i = 1, 5 do
        shop:charge(order("o-" .. i))
      end
      assert.equal("ssg", assert(shop:charge(order "o-6")).provider)
      assert.same({ 5, 1 }, { s:asked().payzu, s:count "breaker.open" })
      t:handle("payzu", "charge", nil)
      t:advance(11)
      assert.equal("payzu", assert(shop:charge(order "o-7")).provider)
      assert.equal(1, #t:requests("payzu", "check"))
      assert.equal(1, s:count "breaker.closed")
    end)

    it("refuses at once when nobody else is there, with nothing sent", function()
      t:handle("payzu", "charge", function() return { status = 503, body = {} } end)
      local shop = s:open { "payzu" }
      for i = 1, 5 do
        shop:charge(order("o-" .. i))
      end
      local _, err = shop:charge(order "o-6")
      assert.same({ "unavailable", "breaker", "no" }, { err.kind, err.code, err.sent })
      assert.equal(5, s:asked().payzu)
    end)

    it("still gives the stored answer", function()
      local shop = s:open { "payzu" }
      local charge = assert(shop:charge(order "o-1"))
      t:handle("payzu", "charge", function() return { status = 503, body = {} } end)
      for i = 2, 6 do
        shop:charge(order("o-" .. i))
      end
      assert.equal(charge, shop:charge(order "o-1"))
    end)
  end)

  describe("settles", function()
    local shop, charge

    before_each(function()
      shop = s:open { "ssg" }
      charge = assert(shop:charge(order "o-1"))
    end)

    it("with a look at the status before it repeats", function()
      s:fail("ssg", "timeout", "maybe", 1, "cancel")
      assert.equal("cancelled", shop:cancel(charge))
      assert.equal(2, s:asked("cancel").ssg)
      assert.equal(1, s:asked("status").ssg)
    end)

    it("without a repetition when the look shows that it was done", function()
      t:reply("ssg", "refund", function()
        t:refund(charge)
        return { hang = true }
      end)
      t:pay(charge)
      assert.equal("refunded", shop:refund(charge))
      assert.equal(1, s:asked("refund").ssg)
    end)

    it("and says what stands in its way", function()
      t:pay(charge)
      local status, err = shop:cancel(charge)
      assert.is_nil(status)
      assert.equal("conflict", err.kind)
      assert.equal("paid", charge.status)
    end)

    it("not at all where the provider cannot", function()
      local other = assert(s:open({ "payzu" }):charge(order "o-2"))
      local status, err = other:refund()
      assert.is_nil(status)
      assert.same({ "unsupported", "no" }, { err.kind, err.sent })
    end)
  end)

  describe("captures", function()
    local function subscription(reference)
      local card = assert(pix.card { number = "4111111111111111", cvv = "123",
        expiry = "12/2099", holder = "MARIA SILVA" })
      return { reference = reference, plan = "PLAN123", payer = shops.PAYER, card = card }
    end

    it("with who can, and leaves the others out", function()
      local shop = s:open { "ssg", "payzu" }
      assert.truthy(assert(shop:subscribe(subscription "s-1")).id)
      assert.equal("payzu", shop:explain {
        operation = "subscribe", plan = "PLAN123", payer = shops.PAYER }.chosen)
    end)

    it("never again after sent = maybe", function()
      s:fail("payzu", "timeout", "maybe", 1, "subscribe")
      local shop = s:open { "payzu" }
      local _, err = shop:subscribe(subscription "s-1")
      assert.same({ "maybe", 1 }, { err.sent, err.attempts })
      assert.matches("never repeat", err.hint)
      _, err = shop:subscribe(subscription "s-1")
      assert.equal("maybe", err.sent)
      assert.equal(1, s:asked("subscribe").payzu)
    end)

    it("again when surely nothing was sent", function()
      s:fail("payzu", "network", "no", 1, "subscribe")
      assert(s:open({ "payzu" }):subscribe(subscription "s-1"))
    end)

    it("not again after 429, which may have come too late", function()
      t:reply("payzu", "subscribe", { status = 429, body = {} })
      assert.is_nil((s:open({ "payzu" }):subscribe(subscription "s-1")))
      assert.equal(1, s:asked("subscribe").payzu)
    end)
  end)

  it("explains who would be asked, and sends nothing", function()
    local plan = s:open({ "ssg", "payzu", select = "cheapest",
      fees = { ssg = { percent = 1 }, payzu = { fixed = 10 } } }):explain { amount = 1990 }
    assert.same({ "payzu", { "payzu", "ssg" }, "cheapest" },
      { plan.chosen, plan.order, plan.strategy })
    assert.equal("its fee is the lowest, 10 centavos", plan.why)
    assert.equal(0, #t:requests())
  end)

  describe("refuses, before anything is sold,", function()
    local wrong = {
      { "no provider", {}, "no provider" },
      { "an unknown option", { "ssg", retries = 3 }, "no option" },
      { "an unknown strategy", { "ssg", select = "best" }, "select must be" },
      { "a rule that names nobody", { "ssg", rules = { { when = {}, use = { "x" } } } }, "rules" },
      { "a fee for nobody", { "ssg", fees = { x = {} } }, "fees names x" },
      { "two of one name", { "ssg", "ssg" }, "two providers" },
      { "orphans without a journal", { "ssg", on_unknown = "orphan" }, "needs a journal" },
      { "a retry that is none", { "ssg", retry = { attempts = 0 } }, "attempts" },
    }
    for _, row in ipairs(wrong) do
      it(row[1], function()
        assert.error_matches(function() s:open(row[2]) end, row[3])
      end)
    end

    it("a reference that is no reference, and arguments that are not known", function()
      local shop = s:open { "ssg" }
      for _, change in ipairs { { reference = "" }, { reference = ("x"):rep(129) },
        { reference = 17 }, { amonut = 3 }, { amount = 0 }, { deadline = -1 } } do
        local charge, err = shop:charge(order("o-1", change))
        assert.is_nil(charge)
        assert.same({ "invalid", "no" }, { err.kind, err.sent })
      end
      assert.equal(0, #t:requests())
    end)
  end)

  it("writes log lines without anything about the payer", function()
    s:fail("ssg", "network", "no")
    assert(s:open({ "ssg" }):charge(order "o-1"))
    local text = table.concat(s.lines, "\n")
    assert.matches('"operation":"charge","outcome":"ok"', text)
    assert.matches('"outcome":"network","sent":"no"', text)
    for _, secret in ipairs { "Maria", "52998224725", "529.982", "maria@example", "98765" } do
      assert.is_nil(text:find(secret, 1, true), secret)
    end
  end)

  it("tells an event again when the program's on_event has failed", function()
    local calls = 0
    local shop = s:open { "ssg", on_event = function(event)
      calls = calls + 1
      if calls == 1 then error "the database is away" end
      s.events[#s.events + 1] = event
    end }
    assert(shop:charge(order "o-1"))
    t:advance(61)
    shop:recover()
    assert.same({ 2, { "charge.created" } }, { calls, s:told() })
  end)
end)
