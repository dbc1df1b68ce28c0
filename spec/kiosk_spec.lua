-- examples/kiosk: its sale in virtual time, and the whole of it in LÖVE, by its screenshots.
local kiosk = require "spec.support.kiosk"
local pix = require "pix"
local sandbox = require "pix.sandbox"

package.path = package.path .. ";examples/kiosk/?.lua"
local account = require "account"
local app = require "kiosk"
local sale = require "sale"

local PRODUCT = { id = "tea", price = 400 }

describe("a sale of the kiosk", function()
  local t, shop, flow, machine, states, alerts

  before_each(function()
    t = pix.testing.start()
    shop = assert(pix.checkout { journal = false, log = function() end, budget = account.BUDGET,
      assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" }) })
    flow = assert(pix.flow.load "examples/flows/coffee.flow.lua")
    machine = { brew = function() return true end }
    states, alerts = {}, {}
  end)

  after_each(function()
    shop:close()
    t:stop()
  end)

  local function start()
    return sale.start {
      flow = flow, checkout = shop, machine = machine, product = PRODUCT,
      clock = function() return t:now() end,
      alert = function(message) alerts[#alerts + 1] = message end,
      on_state = function(it) states[#states + 1] = { it.state, t:now() } end,
    }
  end

  local function last()
    return states[#states][1]
  end

  -- Lets the sale begin and its code be shown for some seconds.
  local function show(seconds)
    local it = start()
    t:advance(seconds)
    assert.equal("waiting", it.state)
    return it
  end

  it("shows a payment within a second", function()
    for _, moment in ipairs { 1, 7.4, 30.1, 290 } do
      local it = show(moment)
      t:pay(it.charge)
      t:advance(1)
      assert.equal("paid", it.state)
      t:advance(5)
      assert.equal("ready", it.state)
    end
  end)

  it("looks no more often than its budget at the provider says", function()
    show(299)
    local looks, most = t:requests("ssg", "status"), 0
    for i = 1, #looks do
      local until_here = i
      while looks[until_here + 1] and looks[until_here + 1].at < looks[i].at + 60 do
        until_here = until_here + 1
      end
      most = math.max(most, until_here - i + 1)
    end
    assert.is_true(most > 60 and most <= account.BUDGET.ssg.polls_per_minute, most)
  end)

  it("asks after five minutes whether there shall be another code", function()
    local it = show(1)
    local first = it.charge
    t:advance(300)
    assert.equal("again", last())
    assert.equal(1, #t:requests("ssg", "cancel"))
    it:answer "yes"
    t:advance(1)
    assert.equal("waiting", it.state)
    assert.not_equal(first.id, it.charge.id)
    t:pay(it.charge)
    t:advance(6)
    assert.equal("ready", last())
  end)

  it("expires when nobody answers", function()
    show(1)
    t:advance(325)
    assert.equal("expired", last())
    assert.equal(1, #t:requests("ssg", "cancel"))
  end)

  it("is cancelled by the customer, once", function()
    local it = show(2)
    it:cancel()
    it:cancel()
    t:advance(1)
    assert.equal("cancelled", last())
    assert.equal(1, #t:requests("ssg", "cancel"))
    it:cancel()
    t:advance(1)
    assert.equal("cancelled", last())
  end)

  it("lets the customer go before there is a code, and cancels what was being made", function()
    local it = start()
    it:cancel()
    assert.equal("cancelled", last())
    t:advance(5)
    assert.equal("cancelled", last())
    assert.equal("bye", it.run.state)
    assert.equal(1, #t:requests("ssg", "cancel"))
  end)

  it("gives coffee to who paid in the moment of cancelling", function()
    local it = show(2)
    t:pay(it.charge)
    t:reply("ssg", "cancel", { status = 409, body = { message = "already paid" } })
    it:cancel()
    t:advance(5)
    assert.equal("ready", last())
  end)

  it("sends the customer to the counter when it is not known whether the code is closed", function()
    local it = show(2)
    t:handle("ssg", "cancel", function() return { status = 503, body = {} } end)
    t:handle("ssg", "status", function() return { status = 503, body = {} } end)
    it:cancel()
    t:advance(200)
    assert.equal("doubt", last())
    assert.equal(1, #alerts)
    assert.truthy(alerts[1]:find(it.order, 1, true))
  end)

  it("pays back when the machine fails twice", function()
    local tries = 0
    machine.brew = function()
      tries = tries + 1
      return nil, "out of water"
    end
    t:pay(show(1).charge)
    t:advance(10)
    assert.equal("refunded", last())
    assert.equal(2, tries)
    assert.equal(1, #t:requests("ssg", "refund"))
  end)

  it("looks before it repeats a refund that may have been done", function()
    machine.brew = function() return nil, "out of water" end
    local it = show(1)
    t:pay(it.charge)
    t:handle("ssg", "refund", function()
      t:refund(it.charge)
      return { fail = "timeout", sent = "maybe" }
    end)
    t:advance(20)
    assert.equal("refunded", last())
    assert.equal(1, #t:requests("ssg", "refund"))
  end)

  it("sends the customer to the counter when the money cannot be paid back", function()
    machine.brew = function() return nil, "out of water" end
    t:handle("ssg", "refund", function() return { status = 503, body = {} } end)
    t:pay(show(1).charge)
    t:advance(200)
    assert.equal("stuck", last())
    assert.equal(1, #alerts)
  end)

  it("tells when no code could be made", function()
    t:reply("ssg", "charge", { status = 422, body = {} })
    start()
    t:advance(1)
    assert.equal("problem", last())
  end)
end)

describe("the screens of the kiosk", function()
  local now, it_shows

  before_each(function()
    now = 0
    it_shows = app.new { clock = function() return now end }
  end)

  it("go back to the idle screen when nobody touches them", function()
    it_shows:key "space"
    assert.equal("menu", it_shows.screen)
    now = 29
    it_shows:key "down"
    now = 58
    it_shows:update()
    assert.equal("menu", it_shows.screen)
    now = 60
    it_shows:update()
    assert.equal("idle", it_shows.screen)
  end)

  it("speak both languages, with the same words", function()
    local texts = require "texts"
    for name in pairs(texts.pt) do assert.truthy(texts.en[name], name) end
    for name in pairs(texts.en) do assert.truthy(texts.pt[name], name) end
    assert.equal("Chá mate", it_shows:texts().tea)
    it_shows:key "l"
    assert.equal("Mate tea", it_shows:texts().tea)
  end)
end)

-- LÖVE is the same program on whichever VM this spec runs: once is enough.
if not rawget(_G, "jit") then return end

describe("examples/kiosk in LÖVE", function()
  local sb, it_runs

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function() sb.reset() end)
  after_each(function()
    if it_runs then it_runs:stop() end
  end)

  local function start(options)
    it_runs = kiosk.start(sb, options)
    it_runs:expect "screen idle\n"
  end

  -- Orders by the keyboard; returns the charge's id and code.
  local function order(number)
    it_runs:tell("key", "space")
    it_runs:expect "screen menu\n"
    it_runs:tell("key", number)
    return it_runs:expect "charge (%S+) (%S+)\n"
  end

  for _, options in ipairs {
    { size = "800x480", language = "pt", window = true },
    { size = "1080x1920", language = "en", window = true },
  } do
    it("sells in a window of " .. options.size, function()
      start(options)
      local id, code = order "2"
      local picture, pixels = it_runs:shot "code"
      assert.equal(code, kiosk.read_code(picture))
      assert.is_true(pixels >= 4, tostring(pixels))
      sb.pay(id)
      it_runs:expect "screen paid\n"
      assert.equal("", kiosk.read_code((it_runs:shot "paid")))
      it_runs:expect "screen ready\n"
      assert.equal(450, sb.charge(id).amount)
      assert.equal(0, it_runs:stop())
    end)
  end

  it("is worked by touch", function()
    start { size = "800x480" }
    it_runs:tell("touch", 400, 240)
    it_runs:expect "screen menu\n"
    it_runs:tell("touch", 660, 350) -- the last of the menu
    local id = it_runs:expect "charge (%S+)"
    assert.equal(400, sb.charge(id).amount)
    it_runs:tell("touch", 630, 435) -- cancel
    it_runs:expect "screen cancelled\n"
    assert.equal("cancelled", sb.charge(id).status)
  end)

  it("asks for another code when the time is over", function()
    start {}
    local id, code = order "1"
    it_runs:tell "hurry"
    it_runs:expect "screen again\n"
    assert.equal("cancelled", sb.charge(id).status)
    local question = it_runs:shot "again"
    it_runs:tell("key", "return") -- before its twenty seconds are over
    assert.equal("", kiosk.read_code(question))
    local other = select(2, it_runs:expect "charge (%S+) (%S+)\n")
    assert.not_equal(code, other)
    assert.equal(other, kiosk.read_code((it_runs:shot "other")))
    it_runs:tell "hurry"
    it_runs:expect "screen again\n"
    it_runs:tell("key", "escape")
    it_runs:expect "screen cancelled\n"
  end)

  it("goes on after a power cut, with the same code", function()
    start {}
    local id, code = order "2"
    start { folder = it_runs:kill() }
    local again, same = it_runs:expect "charge (%S+) (%S+)\n"
    assert.same({ id, code }, { again, same })
    assert.equal(code, kiosk.read_code((it_runs:shot "code")))
    sb.pay(id)
    it_runs:expect "screen ready\n"
    assert.equal(1, #sb.ledger().charges)
  end)

  it("refunds when the machine fails", function()
    start { machine = "broken" }
    local id = order "5"
    sb.pay(id)
    it_runs:expect "screen refunded\n"
    assert.equal("refunded", sb.charge(id).status)
  end)

  it("goes on drawing while the provider is silent, and lets the customer go", function()
    sb.fault { operation = "charge", hang = true }
    start {}
    it_runs:tell("key", "space")
    it_runs:expect "screen menu\n"
    it_runs:tell("key", "1")
    it_runs:expect "screen creating\n"
    it_runs:shot "first"
    it_runs:shot "second"
    it_runs:tell("key", "escape")
    it_runs:expect "screen cancelled\n"
    it_runs:tell("key", "return")
    it_runs:expect "screen menu\n"
    sb.clear_faults()
    assert.equal(0, it_runs:stop())
  end)
end)
