--- A run that a former process left, gone on with in a flow that has changed meanwhile: only where
-- the way it came is still there, and the money on it is safe.
local core = require "pix.core"
local pix = require "pix"

local FLOW = [[
return flow "two steps" {
  input = { total = "money" },
  start = "order",
  order = charge { amount = "{total}", wait = false, made = "pay", failed = "bye",
    unknown = "help" },
  pay = wait { of = "order", timeout = "60s", paid = "give", expired = "bye", cancelled = "bye",
    failed = "help", timed_out = "drop" },
  drop = cancel { of = "order", cancelled = "bye", paid = "give", failed = "help" },
  give = perform "give" { delivers = true, ok = "thanks", failed = "help" },
  help = alert { message = "look after {total}", next = "bye" },
  thanks = done {}, bye = fail {},
}
]]

describe("a run that was left at its second state", function()
  local t, alerts, errors

  before_each(function()
    t, alerts, errors = pix.testing.flow(FLOW), {}, {}
    t:script { pay = "nothing" }
    t._limit = 1
    t:run { total = "8.50" }
    assert.equal("pay", t._run.state)
    t.journal.worker = "another"
  end)

  after_each(function() t:stop() end)

  local function resume(text, more)
    local flow = assert(pix.flow.load(text))
    t._graph, t._limit = flow.graph, 1000
    local given = { flows = { flow }, sole = true, checkout = t.shop,
      perform = { give = function() return true end, hand = function() return true end },
      alert = function(message) alerts[#alerts + 1] = message end,
      on_error = function(message) errors[#errors + 1] = tostring(message) end,
      on_step = function(step) t._run = step.run end }
    for name, value in pairs(more or {}) do given[name] = value end
    local result = assert(pix.flow.resume(t.journal, given))
    for _, run in ipairs(result.runs) do
      t._run = run
      run:wait()
    end
    return result
  end

  local function changed(from, to)
    local text, count = FLOW:gsub(from, to)
    assert.equal(1, count)
    return text
  end

  it("goes on in the same flow, with the same charge", function()
    local result = resume(FLOW)
    assert.equal("bye", result.runs[1].state)
    assert.same({ 1, "cancelled" }, { #t.charges, t.charges[1].status })
  end)

  it("goes on in a changed one whose way to it is the same", function()
    local result = resume(changed('timeout = "60s"', 'timeout = "90s"'))
    assert.equal("bye", result.runs[1].state)
    assert.equal("cancelled", t.charges[1].status)
  end)

  it("is left to a person when the way that it came is gone", function()
    local result = resume((changed('made = "pay"', 'made = "hold"')
      :gsub("  drop =", '  hold = wait { time = "5s", next = "pay" },\n  drop =')))
    assert.equal(0, #result.runs)
    assert.equal("it came on a way that is not there any more", result.changed[1].why)
    assert.equal(1, #alerts)
  end)

  it("is left to a person when its start is gone", function()
    local result = resume((FLOW:gsub("order", "basket")))
    assert.equal("the charge order is gone", result.changed[1].why)
  end)

  it("waits while the checkout's journal cannot give its charge", function()
    local revive, failures = t.shop.revive, 2
    t.shop.revive = function(self, saved)
      failures = failures - 1
      if failures >= 0 then
        return nil, core.error { kind = "journal", sent = "no", message = "the disk is full" }
      end
      return revive(self, saved)
    end
    local result = resume(FLOW)
    assert.equal("bye", result.runs[1].state)
    assert.equal("cancelled", t.charges[1].status)
    assert.truthy(errors[1]:find("the disk is full", 1, true))
  end)

  it("is told of again when the person could not be reached", function()
    local calls = 0
    local text = FLOW:gsub("order", "basket")
    local function alert()
      calls = calls + 1
      if calls == 1 then error "the pager is broken" end
      if calls == 2 then return nil, "nobody answers" end
    end
    for i = 1, 3 do
      t.journal.worker = "another " .. i
      resume(text, { alert = alert })
      t.t:advance(100)
    end
    assert.equal(3, calls)
    assert.truthy(errors[1]:find("the pager is broken", 1, true))
    assert.equal("nobody answers", errors[2])
  end)

  it("goes to a person when its charge cannot be had any more", function()
    t.shop.revive = function()
      return nil, core.error { kind = "not_found", sent = "no", message = "no such charge" }
    end
    local result = resume(FLOW)
    assert.equal(1, #alerts)
    assert.equal("bye", result.runs[1].state)
  end)
end)

describe("a run at a provider object, without a checkout", function()
  it("goes on with the charge that it had", function()
    local t = pix.testing.start()
    finally(function() t:stop() end)
    local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
    local journal = require("pix.flow.memory").new()
    local named = FLOW:gsub("input =", 'providers = { "ssg" },\n  input =')
    local flow = assert(pix.flow.load(named))
    local options = { checkout = ssg, journal = journal, alert = function() end,
      perform = { give = function() return true end } }
    local run = assert(flow:run({ total = "8.50" }, options))
    pix.run(function()
      while run.state ~= "pay" do pix.sleep(0) end
      run:stop()
      run:wait()
    end)
    journal.worker = "another"
    options.flows, options.sole = { flow }, true
    local result = assert(pix.flow.resume(journal, options))
    pix.run(function()
      pix.sleep(1)
      t:pay(run.data.charges.order.charge)
      result.runs[1]:wait()
    end)
    assert.equal("thanks", result.runs[1].state)
    assert.equal(1, #t:requests("ssg", "charge"))
  end)
end)
