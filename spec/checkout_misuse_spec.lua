--- What the checkout says to a programmer who uses it wrongly: it raises, before anything is sold,
-- and names what is wrong.
local pix = require "pix"
local shops = require "spec.support.shop"

local order = shops.order

describe("a wrong option of a checkout", function()
  local s

  before_each(function() s = shops.new() end)
  after_each(function() s:stop() end)

  local function refused(words, options)
    local ok, err = pcall(pix.checkout, options)
    assert.is_false(ok)
    assert.truthy(tostring(err):find(words, 1, true), tostring(err))
  end

  local function with(name, value)
    return { s.ssg, journal = false, [name] = value }
  end

  it("is named", function()
    refused("a table of providers and options was expected, not number", 5)
    refused("no provider is given", { journal = false })
    refused("item 1 is not a provider", { { name = "ssg" }, journal = false })
    refused("item 2 is not a provider", { s.ssg, "detseg", journal = false })
    refused("two providers are named ssg", { s.ssg, s.ssg, journal = false })
    refused('there is no option "dedline"', with("dedline", 5))
    refused("deadline must be seconds, a number above 0", with("deadline", 0))
    refused("expires_in must be seconds", with("expires_in", "5 min"))
    refused("select must be failover", with("select", "dearest"))
    refused("on_event must be a function(event)", with("on_event", "print"))
    refused("log must be true (stderr) or a function(line)", with("log", "stderr"))
    refused('on_unknown is "stop" or "orphan"', with("on_unknown", "retry"))
    refused('on_unknown = "orphan" needs a journal', with("on_unknown", "orphan"))
  end)

  it("by provider is named with its provider", function()
    refused("weights must be a table by provider", with("weights", 5))
    refused("weights names payzu, which is not given", with("weights", { payzu = 1 }))
    refused("weights.ssg: a weight is a number, 0 or more", with("weights", { ssg = -1 }))
    refused("weights.ssg: a weight is a number, 0 or more", with("weights", { ssg = math.huge }))
    refused("weights.ssg: a weight is a number, 0 or more", with("weights", { ssg = "x" }))
    refused("fees.ssg: a fee is { percent = 0.99, fixed = 10 }", with("fees", { ssg = 5 }))
    refused("fees.ssg: a fee has percent and fixed", with("fees", { ssg = { per_cent = 1 } }))
    refused("fees.ssg: percent must be a number, 0 or more",
      with("fees", { ssg = { percent = "1 %" } }))
    refused("fees.ssg: fixed must be whole centavos", with("fees", { ssg = { fixed = 0.5 } }))
    refused("budget.ssg: a budget is a table", with("budget", { ssg = 40 }))
  end)

  it("of a rule is named", function()
    refused("amount must be a table: { over = 5000 }",
      with("rules", { { when = { amount = 5000 }, use = { "ssg" } } }))
    refused("amount must be a table: { over = 5000 }",
      with("rules", { { when = { amount = {} }, use = { "ssg" } } }))
  end)
end)

describe("a wrong call of a shop", function()
  local s, shop

  before_each(function()
    s = shops.new()
    shop = s:open { "ssg" }
  end)

  after_each(function() s:stop() end)

  local function refused(words, f, ...)
    local ok, err = pcall(f, ...)
    assert.is_false(ok)
    assert.truthy(tostring(err):find(words, 1, true), tostring(err))
    assert.truthy(tostring(err):find("checkout_misuse_spec", 1, true), tostring(err))
  end

  it("raises at the caller's line", function()
    refused("shop:charge: a table was expected, not nil", function() shop:charge() end)
    refused("a charge or a reference was expected, not number", function() shop:status(5) end)
    refused("a charge or a reference was expected, not nil", function() shop:cancel() end)
    refused('operation is "charge" or "subscribe"',
      function() shop:explain { amount = 100, operation = "refund" } end)
    refused("the event that pix.webhook.verify returned was expected",
      function() shop:webhook "paid" end)
    refused("the event that pix.webhook.verify returned was expected",
      function() shop:webhook { provider = "payzu", id = "x" } end)
    shop:close()
    refused("the shop is closed", function() shop:charge(order "o-1") end)
  end)

  it("about a charge that the journal does not have is told", function()
    for _, subject in ipairs { "o-17", { provider = "ssg", id = "unheard-of" } } do
      local status, err = shop:status(subject)
      assert.is_nil(status)
      assert.same({ "not_found", "no" }, { err.kind, err.sent })
      assert.truthy(err.hint:find("shop:charge returned", 1, true))
      assert.equal("not_found", select(2, shop:cancel(subject)).kind)
    end
    assert.equal(0, #s.t:requests())
  end)

  it("is none that names a charge by its provider and id", function()
    local charge = assert(shop:charge(order "o-1"))
    s.t:pay(charge)
    assert.equal("paid", shop:status { provider = "ssg", id = charge.id })
  end)

  it("about an order that has no charge says why", function()
    s.t:reply("ssg", "charge", { status = 400, body = { message = "no" } })
    assert.is_nil(shop:charge(order "o-1"))
    local _, err = shop:status "o-1"
    assert.same({ "conflict", "failed", "no" }, { err.kind, err.code, err.sent })
    s:fail("ssg", "timeout", "maybe")
    assert.is_nil(shop:charge(order "o-2"))
    _, err = shop:status "o-2"
    assert.same({ "conflict", "unknown", "maybe" }, { err.kind, err.code, err.sent })
  end)
end)

describe("a checkout without a journal", function()
  local s, stderr, written

  before_each(function()
    s, stderr, written = shops.new(), io.stderr, {}
    io.stderr = { -- luacheck: ignore
      write = function(_, ...) written[#written + 1] = table.concat { ... } end,
    }
  end)

  after_each(function()
    io.stderr = stderr -- luacheck: ignore
    s:stop()
  end)

  -- As in a fresh program, which has not been told yet.
  local function checkout(log)
    local loaded = package.loaded["pix.checkout"]
    package.loaded["pix.checkout"] = nil
    local fresh = require "pix.checkout"
    package.loaded["pix.checkout"] = loaded
    return function()
      assert(fresh { s.ssg, log = log }):close()
    end
  end

  it("says once on stderr that a crash forgets the orders", function()
    local open = checkout(nil)
    open()
    open()
    assert.equal(1, #written)
    assert.truthy(written[1]:find('journal = false to say that this is meant', 1, true))
  end)

  it("says it in the log where there is one", function()
    local lines = {}
    local open = checkout(function(line) lines[#lines + 1] = line end)
    open()
    open()
    assert.equal(1, #lines)
    assert.truthy(lines[1]:find('"no_journal"', 1, true))
    assert.equal(0, #written)
  end)

  it("writes its log to stderr when that is wanted", function()
    local open = checkout(true)
    open()
    assert.truthy(written[1]:find('"no_journal"', 1, true))
    assert.equal("\n", written[1]:sub(-1))
  end)
end)
