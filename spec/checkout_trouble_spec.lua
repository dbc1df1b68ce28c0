--- Orders whose journal, log, event handler or task fails on the way: what is said of the money
-- stays true, and nothing is asked for twice.
local core = require "pix.core"
local pix = require "pix"
local program = require "spec.support.program"
local shops = require "spec.support.shop"

local order = shops.order

describe("an order in trouble", function()
  local s, t, folder

  before_each(function()
    s, folder = shops.new(), program.folder()
    t = s.t
  end)

  after_each(function()
    s:stop()
    program.remove(folder)
  end)

  local function full()
    return nil, core.error { kind = "journal", code = "full", sent = "no",
      message = "the disk is full" }
  end

  -- The journal's method fails until what is returned is called.
  local function break_journal(shop, method)
    local store = shop._store
    local before = rawget(store, method)
    store[method] = full
    return function() store[method] = before end
  end

  it("whose unknown outcome cannot be recorded says both", function()
    local shop = s:open { "ssg" }
    s:fail("ssg", "timeout", "maybe")
    local mend = break_journal(shop, "unknown")
    local charge, err = shop:charge(order "o-1")
    mend()
    assert.is_nil(charge)
    assert.same({ "timeout", "maybe" }, { err.kind, err.sent })
    assert.truthy(err.message:find("(and the journal: the disk is full)", 1, true))
    assert.equal("busy", select(2, shop:charge(order "o-1")).code)
    assert.equal(1, s:asked().ssg)
  end)

  it("whose refusal cannot be recorded is not given to another provider", function()
    local shop = s:open { "ssg", "payzu" }
    t:reply("ssg", "charge", { status = 403, body = {} })
    local mend = break_journal(shop, "failed")
    local charge, err = shop:charge(order "o-1")
    mend()
    assert.is_nil(charge)
    assert.equal("journal", err.kind)
    assert.same({ 1, 0 }, { s:asked().ssg, s:asked().payzu })
  end)

  it("whose task is cancelled between two tries has sent nothing", function()
    local shop = s:open { "ssg" }
    s:fail("ssg", "network", "no")
    pix.run(function()
      local task = pix.spawn(function() return shop:charge(order "o-1") end)
      while s:asked().ssg == 0 do pix.sleep(0) end
      pix.sleep(0)
      task:cancel()
      local charge, err = task:await()
      assert.is_nil(charge)
      assert.same({ "cancelled", "no" }, { err.kind, err.sent })
    end)
    assert.equal(1, s:asked().ssg)
    assert.truthy(shop:charge(order "o-1"), "it may be tried again")
    assert.equal(2, s:asked().ssg)
  end)

  it("whose log raises is not stuck", function()
    local broken = true
    local shop = s:open { "ssg", log = function() if broken then error "no space" end end }
    local ok, err = pcall(shop.charge, shop, order "o-1")
    assert.is_false(ok)
    assert.truthy(tostring(err):find("no space", 1, true))
    assert.truthy(tostring(err):find("traceback", 1, true))
    broken = false
    assert.equal("busy", select(2, shop:charge(order "o-1")).code, "the charge may exist")
    assert.equal(1, s:asked().ssg)
  end)

  it("whose selection raises a table gets that table", function()
    local mine = {}
    local shop = s:open { "ssg" }
    shop._guard.call = function() error(mine) end
    local ok, err = pcall(shop.charge, shop, order "o-1")
    shop._guard.call = nil
    assert.is_false(ok)
    assert.equal(mine, err)
  end)

  it("that was unknown becomes an orphan where a later checkout says so", function()
    local journal = folder .. "/pix.db"
    s:fail("ssg", "timeout", "maybe")
    local _, err = s:open({ "ssg", journal = journal }):charge(order "o-1")
    assert.equal("maybe", err.sent)
    s.shop:close()
    local shop = s:open { "ssg", journal = journal, on_unknown = "orphan" }
    local mend = break_journal(shop, "orphan")
    assert.equal("journal", select(2, shop:charge(order "o-1")).kind)
    mend()
    local charge = assert(shop:charge(order "o-1"))
    assert.equal(2, s:asked().ssg)
    assert.equal(1, s:count "charge.orphan")
    assert.truthy(charge.code)
  end)

  it("at a provider chosen by weight is still one charge", function()
    local shop = s:open { "ssg", "payzu", select = "weighted", weights = { ssg = 1, payzu = 3 } }
    for i = 1, 40 do assert(shop:charge(order("o-" .. i))) end
    local asked = s:asked()
    assert.equal(40, asked.ssg + asked.payzu)
    assert.truthy(asked.payzu > asked.ssg)
  end)

  describe("when it is settled", function()
    it("and no try is left, is looked at once more before anything is said", function()
      local shop = s:open { "ssg", retry = { attempts = 1 } }
      local charge = assert(shop:charge(order "o-1"))
      t:pay(charge)
      t:reply("ssg", "refund", function()
        t:refund(charge)
        return { hang = true }
      end)
      assert.equal("refunded", shop:refund(charge))
      assert.equal(1, s:asked("refund").ssg)
    end)

    it("and the look shows nothing new, stays in doubt", function()
      local shop = s:open { "ssg", retry = { attempts = 1 } }
      local charge = assert(shop:charge(order "o-1"))
      t:pay(charge)
      s:fail("ssg", "timeout", "maybe", 1, "refund")
      local status, err = shop:refund(charge)
      assert.is_nil(status)
      assert.same({ "timeout", "maybe" }, { err.kind, err.sent })
      assert.equal("paid", shop:status(charge))
      assert.equal(1, s:asked("refund").ssg)
    end)

    it("and the provider says no, without a doubt", function()
      local shop = s:open { "ssg", retry = { attempts = 1 } }
      local charge = assert(shop:charge(order "o-1"))
      t:reply("ssg", "cancel", { status = 403, body = {} })
      local status, err = shop:cancel(charge)
      assert.is_nil(status)
      assert.equal("yes", err.sent)
      assert.equal("pending", charge.status)
    end)

    it("again after a doubt, is looked at before it is asked for", function()
      local shop = s:open { "ssg", retry = { attempts = 1 } }
      local charge = assert(shop:charge(order "o-1"))
      s:fail("ssg", "timeout", "maybe", 1, "cancel")
      assert.equal("maybe", select(2, shop:cancel(charge)).sent)
      local looks = s:asked("status").ssg
      assert.equal("cancelled", shop:cancel(charge))
      assert.same({ looks + 1, 2 }, { s:asked("status").ssg, s:asked("cancel").ssg })
    end)

    it("and its doubt is looked into later, is taken for not done after a minute", function()
      local shop = s:open { "ssg", retry = { attempts = 1 } }
      local charge = assert(shop:charge(order "o-1"))
      s:fail("ssg", "timeout", "maybe", 1, "cancel")
      shop:cancel(charge)
      assert.same({ 1, 0 }, { shop:recover().unknown, shop:recover().resolved })
      t:advance(100)
      assert.equal(1, shop:recover().resolved)
      assert.equal("pending", charge.status)
      assert.equal(0, shop:recover().unknown)
    end)

    it("by nobody but a person, stays open", function()
      local shop = s:open { "payzu" }
      assert.equal("open", (require("pix.resolve").look(shop, { kind = "subscribe" })))
    end)

    it("and a conflict cannot be looked into, says what the provider said", function()
      local shop = s:open { "ssg" }
      local charge = assert(shop:charge(order "o-1"))
      t:reply("ssg", "cancel", { status = 409, body = {} })
      t:reply("ssg", "status", { status = 404, body = {} })
      local status, err = shop:cancel(charge)
      assert.is_nil(status)
      assert.same({ "conflict", "yes" }, { err.kind, err.sent })
      assert.equal("pending", charge.status)
    end)

    it("and its task is cancelled between two tries, has sent nothing", function()
      local shop = s:open { "ssg" }
      local charge = assert(shop:charge(order "o-1"))
      s:fail("ssg", "network", "no", 1, "cancel")
      pix.run(function()
        local task = pix.spawn(function() return shop:cancel(charge) end)
        while s:asked("cancel").ssg == 0 do pix.sleep(0) end
        pix.sleep(0)
        task:cancel()
        local status, err = task:await()
        assert.is_nil(status)
        assert.equal("cancelled", err.kind)
      end)
      assert.equal(1, s:asked("cancel").ssg)
      assert.equal("cancelled", shop:cancel(charge))
    end)
  end)

  it("whose second payment cannot be given back asks for a person", function()
    t:handle("ssg", "cancel", function() return { body = { status = "PENDING" } } end)
    local shop = s:open { "ssg", expires_in = 60 }
    local first = assert(shop:charge(order "o-1"))
    t:advance(61)
    shop:cancel(first)
    local row = shop._store:by_charge("ssg", first.id)
    shop._store:status(row.id, { status = "expired", now = core.reactor():wall() })
    local second = assert(shop:charge(order "o-1"))
    t:pay(first)
    shop:status(first)
    for _ = 1, 3 do t:reply("ssg", "refund", { status = 403, body = {} }) end
    t:pay(second)
    shop:status(second)
    assert.equal("paid", second.status)
    assert.equal(1, s:count "charge.attention")
    assert.truthy(table.concat(s.lines, "\n"):find('"duplicate"', 1, true))
  end)

  it("whose events cannot be read from the journal is told of later", function()
    local shop = s:open { "ssg" }
    shop._store.events = function() error "the driver is broken" end
    local charge = assert(shop:charge(order "o-1"))
    assert.same({}, s:told())
    assert.truthy(table.concat(s.lines, "\n"):find("the driver is broken", 1, true))
    shop._store.events = nil
    charge:refresh()
    shop:_tell()
    assert.same({ "charge.created" }, s:told())
  end)
end)
