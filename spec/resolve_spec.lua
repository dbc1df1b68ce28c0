local pix = require "pix"
local shops = require "spec.support.shop"

local order = shops.order

describe("an outcome that is not known", function()
  local s, t, folder

  before_each(function()
    s = shops.new()
    t = s.t
    folder = os.tmpname()
  end)

  after_each(function()
    s:stop()
    for _, ending in ipairs { "", "-wal", "-shm" } do
      os.remove(folder .. ending)
    end
  end)

  -- The provider makes the charge, and its answer is lost: at once, or when its time is over.
  local function lose_answer(provider, at_once)
    local made
    t:reply(provider, "charge", function(request)
      made = require("pix.testing.replies").answer(t._book, request)
      return at_once and { fail = "network", sent = "maybe" } or { hang = true }
    end)
    return function() return made.body.transaction_id or made.body.id end
  end

  describe("at a provider that can list", function()
    it("is found by amount and time: its code was never shown, and the order goes on", function()
      local id = lose_answer "detseg"
      local shop = s:open { "detseg" }
      local _, err = shop:charge(order "o-1")
      assert.equal("maybe", err.sent)
      local charge = assert(shop:charge(order "o-1"))
      assert.not_equal(id(), charge.id)
      assert.equal(1, s:count "charge.orphan")
      assert.equal(1, s:asked("search").detseg)
      assert.equal(2, s:asked().detseg)
    end)

    it("is not made, when two lists a minute apart do not have it", function()
      s:fail("detseg", "timeout", "maybe")
      local shop = s:open { "detseg" }
      shop:charge(order "o-1")
      assert.equal("unknown", select(2, shop:charge(order "o-1")).code)
      pix.run(function() shop:watch { idle = true } end)
      assert.equal(1, s:count "charge.failed")
      assert.truthy(assert(shop:charge(order "o-1")).code)
      assert.truthy(t:now() >= 120)
    end)

    it("is not believed to be absent before the second list, a minute after the first", function()
      s:fail("detseg", "timeout", "maybe")
      local shop = s:open { "detseg" }
      shop:charge(order "o-1")
      for _, seconds in ipairs { 61, 30, 29 } do
        t:advance(seconds)
        assert.equal("unknown", select(2, shop:charge(order "o-1")).code)
      end
      t:advance(2)
      assert.truthy(shop:charge(order "o-1"))
    end)

    it("is not taken for a charge of another amount, or of another order", function()
      local shop = s:open { "detseg" }
      assert(shop:charge(order("o-0")))
      assert(shop:charge(order("o-2", { amount = 1991 })))
      s:fail("detseg", "timeout", "maybe")
      shop:charge(order "o-1")
      assert.equal("unknown", select(2, shop:charge(order "o-1")).code)
      assert.equal(0, s:count "charge.orphan")
    end)

    it("stays unknown when two orders could have made what was found", function()
      local shop = s:open { "detseg" }
      lose_answer "detseg"
      shop:charge(order "o-1")
      s:fail("detseg", "timeout", "maybe")
      shop:charge(order "o-2")
      assert.equal("unknown", select(2, shop:charge(order "o-1")).code)
      assert.equal("unknown", select(2, shop:charge(order "o-2")).code)
    end)

    it("is shared out by age among the tries of one order, of which none showed a code", function()
      local ids = { lose_answer("detseg", true), lose_answer("detseg", true) }
      local shop = s:open { "detseg", on_unknown = "orphan", journal = folder }
      local charge = assert(shop:charge(order "o-1"))
      pix.run(function() shop:watch { ["for"] = 600 } end)
      local orphans, shown = {}, {}
      for _, row in ipairs(assert(shop._store:by_reference "o-1")) do
        table.insert(row.orphan and orphans or shown, row.charge_id)
      end
      table.sort(orphans)
      assert.same({ ids[1](), ids[2]() }, orphans)
      assert.same({ charge.id }, shown)
    end)

    it("is not given what belongs to a charge that is being made", function()
      s:fail("detseg", "timeout", "maybe")
      local shop = s:open { "detseg" }
      shop:charge(order "o-1")
      local row = assert(shop._store:list { state = "unknown" })[1]
      local id = lose_answer "detseg" -- made, and not answered yet
      pix.run(function()
        local other = pix.spawn(function() return shop:charge(order "o-2") end)
        pix.sleep(1)
        assert.truthy(id())
        assert.equal("unknown", select(2, shop:charge(order "o-1")).code)
        assert.equal(0, s:count "charge.orphan")
        other:await()
      end)
      assert.equal("unknown", assert(shop._store:get(row.id)).state)
    end)

    it("stays unknown while the list cannot be had", function()
      s:fail("detseg", "timeout", "maybe")
      local shop = s:open { "detseg" }
      shop:charge(order "o-1")
      t:handle("detseg", "search", function() return { status = 503, body = {} } end)
      pix.run(function() shop:watch { ["for"] = 3600 } end)
      assert.equal("unknown", select(2, shop:charge(order "o-1")).code)
    end)
  end)

  it("ends by a person's word where the provider cannot list", function()
    s:fail("ssg", "timeout", "maybe")
    local shop = s:open { "ssg" }
    shop:charge(order "o-1")
    local row = assert(shop._store:list { state = "unknown" })[1]
    assert(shop._store:resolve(row.id, { as = "failed", by = "ana", now = row.created + 60 }))
    assert.truthy(assert(shop:charge(order "o-1")).code)
  end)

  describe('with on_unknown = "orphan"', function()
    local function open(names)
      names.on_unknown, names.journal = "orphan", folder
      return s:open(names)
    end

    it("makes a new charge at the next provider, and remembers the other", function()
      s:fail("ssg", "timeout", "maybe")
      local charge = assert(open({ "ssg", "payzu" }):charge(order "o-1"))
      assert.same({ "payzu", 2 }, { charge.provider, charge.attempts })
      s.shop:recover()
      assert.equal(1, s:count "charge.orphan")
    end)

    it("watches the orphan when it shows up, its code never shown", function()
      lose_answer "detseg"
      t:handle("detseg", "search", nil)
      local shop = open { "detseg", "ssg" }
      local charge = assert(shop:charge(order "o-1"))
      assert.equal("ssg", charge.provider)
      pix.run(function() shop:watch { ["for"] = 60 } end)
      local orphans = assert(shop._store:orphans())
      assert.same({ 1, "pending" }, { #orphans, orphans[1].status })
    end)

    it("never for captures", function()
      s:fail("payzu", "timeout", "maybe", 1, "subscribe")
      local _, err = open({ "payzu" }):subscribe { reference = "s-1", plan = "PLAN123",
        payer = shops.PAYER, card = assert(pix.card { number = "4111111111111111", cvv = "123",
          expiry = "12/2099", holder = "MARIA SILVA" }) }
      assert.equal("maybe", err.sent)
      assert.equal(1, s:asked("subscribe").payzu)
    end)
  end)

  describe("after a start", function()
    it("in flight before is never done again, and charges are watched on", function()
      local shop = s:open { "detseg", journal = folder }
      local charge = assert(shop:charge(order "o-1"))
      assert(shop._store:intent { reference = "o-2", provider = "detseg", amount = 700,
        params = ("0"):rep(32), now = 1790000000 })
      shop:close()
      shop = s:open { "detseg", journal = folder }
      assert.same({ unknown = 1, resolved = 0, waiting = 2 }, shop:recover { sole = true })
      t:pay(charge)
      pix.run(function() shop:watch { ["for"] = 300 } end)
      assert.equal(1, s:count "charge.paid")
      assert.equal(1, s:asked().detseg)
      assert.same({ 1, 1 }, { s:count "charge.unknown", s:count "charge.failed" })
    end)

    it("what another process has in flight is left alone until its lease is over", function()
      local shop = s:open { "detseg", journal = folder }
      local args = order "o-2"
      t:reply("detseg", "charge", { hang = true })
      pix.run(function()
        local first = pix.spawn(function() return shop:charge(args) end)
        pix.sleep(1)
        local other = assert(pix.checkout { s.detseg, journal = folder, log = function() end })
        assert.equal(0, assert(other:recover()).unknown)
        local _, err = other:charge(args)
        assert.same({ "conflict", "busy", "no" }, { err.kind, err.code, err.sent })
        assert.truthy(err.retry_after > 1)
        other:close()
        assert.equal("timeout", select(2, first:await()).kind)
      end)
    end)

    it("what this worker itself had in flight is unknown at once, if it has a name", function()
      local shop = s:open { "detseg", journal = folder, worker = "till-1" }
      assert(shop._store:intent { reference = "o-2", provider = "detseg", amount = 700,
        params = ("0"):rep(32), now = 1790000000 })
      shop:close()
      assert.equal(1, s:open({ "detseg", journal = folder, worker = "till-1" }):recover().unknown)
    end)

    it("what this very program has in flight already is left alone", function()
      for number, settings in ipairs { {}, { sole = true } } do
        local shop = s:open { "detseg", journal = folder, worker = "till-1" }
        t:handle("detseg", "charge", function(request)
          local reply = require("pix.testing.replies").answer(t._book, request)
          reply.delay = 5
          return reply
        end)
        pix.run(function()
          local early = pix.spawn(function() return shop:charge(order("o-" .. number)) end)
          pix.sleep(1)
          assert.same({ unknown = 0, resolved = 0, waiting = number },
            assert(shop:recover(settings)))
          assert.equal("pending", assert(early:await()).status)
        end)
        shop:close()
      end
      s.shop = nil
    end)

    it("the stored charge is given again, its code too", function()
      local first = assert(s:open({ "ssg", journal = folder }):charge(order "o-1"))
      s.shop:close()
      local second = assert(s:open({ "ssg", journal = folder }):charge(order "o-1"))
      assert.same({ first.id, first.code, "pending", "o-1" },
        { second.id, second.code, second.status, second.reference })
      assert.equal(1, s:asked().ssg)
      t:pay(first)
      assert.equal("paid", second:wait { timeout = 100 })
    end)
  end)

  it("of a cancel is found by the charge's status", function()
    local shop = s:open { "ssg" }
    local charge = assert(shop:charge(order "o-1"))
    s:fail("ssg", "timeout", "maybe", 3, "cancel")
    t:handle("ssg", "status", function() return { status = 503, body = {} } end)
    local status, err = shop:cancel(charge)
    assert.is_nil(status)
    assert.equal("maybe", err.sent)
    t:handle("ssg", "status", nil)
    t:cancel(charge)
    shop:recover()
    assert.equal("cancelled", charge.status)
  end)

  it("of a charge whose record failed after the answer is never a shown code", function()
    local shop = s:open { "ssg" }
    local answered = shop._store.answered
    shop._store.answered = function()
      return nil, require("pix.core").error { kind = "journal", code = "full", sent = "no",
        message = "the disk is full" }
    end
    local charge, err = shop:charge(order "o-1")
    assert.is_nil(charge)
    assert.same({ "journal", "maybe" }, { err.kind, err.sent })
    shop._store.answered = answered
    assert.truthy(assert(shop:charge(order "o-1")).code)
    assert.equal(1, s:asked().ssg)
  end)

  it("is what an order becomes whose coroutine was killed", function()
    local shop = s:open { "ssg" }
    t:reply("ssg", "charge", { hang = true })
    local killed = coroutine.create(function() shop:charge(order "o-1") end)
    pix.run(function()
      local task = pix.spawn(function()
        shop._guard.call = function() coroutine.yield() end
        pcall(coroutine.resume, killed)
      end)
      task:await()
    end)
    shop._guard.call = nil
    t:advance(200)
    local charge, err = shop:charge(order "o-1")
    assert.is_nil(charge)
    assert.same({ "conflict", "unknown", "maybe" }, { err.kind, err.code, err.sent })
    assert.equal(1, s:count "charge.unknown")
  end)

  it("is never made by a journal that cannot write the intent", function()
    local shop = s:open { "ssg" }
    shop._store.intent = function()
      return nil, require("pix.core").error { kind = "journal", code = "full", sent = "no",
        message = "the disk is full" }
    end
    local charge, err = shop:charge(order "o-1")
    assert.is_nil(charge)
    assert.same({ "journal", "no" }, { err.kind, err.sent })
    assert.equal(0, s:asked().ssg)
  end)
end)
