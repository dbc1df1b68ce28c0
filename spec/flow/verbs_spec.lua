--- What each verb comes to when a flow is run, where the coffee kiosk (run_spec.lua) does not go:
-- charges that are made in one state and waited for or cancelled in another, choices, parts, a
-- host, a journal or a person who is not there.
local core = require "pix.core"
local pix = require "pix"

-- The charge is made in `order`, waited for in `pay`, cancelled in `drop`.
local TWO_STEPS = [[
return flow "two steps" {
  input = { total = "money" },
  start = "order",
  order = charge { amount = "{total}", wait = false, made = "pay", failed = "bye",
    unknown = "help" },
  pay = wait { of = "order", timeout = "60s", paid = "give", expired = "bye", cancelled = "bye",
    failed = "help", timed_out = "drop", on = { hurry = "drop" } },
  drop = cancel { of = "order", cancelled = "bye", paid = "give", failed = "help" },
  give = perform "give" { delivers = true, ok = "thanks", failed = "help" },
  help = alert { message = "look after {total}", next = "bye" },
  thanks = done {}, bye = fail {},
}
]]

-- A choice by a value, a question whose answer is kept, and a wait for time alone.
local CHOICE = [[
return flow "choice" {
  input = { size = "text" },
  start = "which",
  which = choose { value = "{size}", cases = { small = "little", large = "much" },
    otherwise = "what" },
  little = set { values = { price = "5.00" }, next = "rest" },
  much = choose { when = function(data) return data.size == "large" end, yes = "rest", no = "bye" },
  what = ask { show = "what", timeout = "20s", answers = { tea = "rest" }, timed_out = "bye" },
  rest = wait { time = "30s", next = "thanks" },
  thanks = done {}, bye = fail {},
}
]]

local PARTS = [[
local pay = flow "pay" {
  input = { total = "money" },
  start = "ask",
  ask = charge { amount = "{total}", paid = "give", expired = "no", cancelled = "no", failed = "no",
    unknown = "help" },
  give = perform "give" { delivers = true, ok = "yes", failed = "help" },
  help = alert { message = "look after {total}", next = "no" },
  yes = done { result = { spent = "{total}" } }, no = fail {},
}
return flow "whole" {
  input = { price = "money" },
  start = "first",
  first = flow { of = pay, input = { total = "{price}" }, done = "thanks", failed = "bye" },
  thanks = done { result = { paid = "{first.spent}" } }, bye = fail {},
}
]]

describe("a charge that is waited for in another state", function()
  local t

  before_each(function() t = pix.testing.flow(TWO_STEPS) end)
  after_each(function() t:stop() end)

  local function way(script)
    t:script(script)
    t:run { total = "8.50" }
    return t:way()
  end

  it("is paid there", function()
    assert.equal("order —made→ pay —paid→ give —ok→ thanks", way {})
  end)

  it("ends there in each way", function()
    assert.equal("order —made→ pay —expired→ bye", way { pay = "expired" })
    assert.equal("expired", t.charges[1].status)
  end)

  it("that was refused leads to a person", function()
    assert.matches("pay —failed→ help", (way { pay = "failed" }))
    assert.same({ "look after R$ 8,50" }, t.alerts)
  end)

  it("is cancelled when the time is over", function()
    assert.equal("order —made→ pay —timed_out→ drop —cancelled→ bye", way { pay = "nothing" })
    assert.equal("cancelled", t.charges[1].status)
    assert.is_true(t:now() >= 60)
  end)

  it("is paid after all while it is being cancelled", function()
    assert.equal("order —made→ pay —timed_out→ drop —paid→ give —ok→ thanks",
      way { pay = "nothing", drop = "paid" })
  end)

  it("leads to a person when it cannot be cancelled", function()
    assert.matches("drop —failed→ help —next→ bye$", (way { pay = "nothing", drop = "failed" }))
    assert.equal(1, #t.alerts)
  end)

  it("is left at a signal", function()
    t:signal("pay", "hurry")
    assert.matches("pay —hurry→ drop —cancelled→ bye$", (way { pay = "nothing" }))
  end)

  it("that nobody can vouch for goes to a person at once", function()
    assert.equal("order —unknown→ help —next→ bye", way { order = "unknown" })
  end)

  it("is waited for again after an error that is none of its own", function()
    way { pay = "nothing" }
    local class = getmetatable(t.charges[1])
    local wait, count = class.wait, 0
    class.wait = function(...)
      count = count + 1
      if count > 1 then return wait(...) end
      return nil, core.error { kind = "auth", sent = "no", message = "no" }
    end
    finally(function() class.wait = wait end)
    assert.equal("order —made→ pay —timed_out→ drop —cancelled→ bye", way { pay = "nothing" })
    assert.equal(2, count)
  end)
end)

describe("a charge that is waited for where it is made", function()
  local COFFEE = "examples/flows/coffee.flow.lua"
  local ORDER = { total = "8.50", order = "17" }

  it("is cancelled when it cannot be looked at any more", function()
    local t = pix.testing.flow(COFFEE)
    t:run(ORDER)
    local class = getmetatable(t.charges[1])
    local wait = class.wait
    class.wait = function()
      return nil, core.error { kind = "auth", sent = "no", message = "no" }
    end
    finally(function()
      class.wait = wait
      t:stop()
    end)
    t:run { total = "8.50", order = "18" }
    assert.equal("pay —failed→ sorry", t:way())
    assert.equal("cancelled", t.charges[2].status)
  end)

  it("goes to a person when it cannot be had after a restart", function()
    local t = pix.testing.start()
    finally(function() t:stop() end)
    local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
    local journal, alerts = require("pix.flow.memory").new(), {}
    local flow = assert(pix.flow.load(COFFEE))
    local options = { checkout = ssg, journal = journal, ui = { show = function() end },
      perform = { brew = function() return true end },
      alert = function(message) alerts[#alerts + 1] = message end }
    local run = assert(flow:run(ORDER, options))
    pix.run(function()
      while not (run.data.charges.pay and run.data.charges.pay.charge) do pix.sleep(0) end
      pix.sleep(0.1)
      run:stop()
      run:wait()
    end)
    journal.worker = "another"
    options.flows, options.sole = { flow }, true
    options.checkout = { durable = true, charge = function() error "asked twice" end,
      revive = function()
        return nil, core.error { kind = "not_found", sent = "no", message = "no such charge" }
      end }
    local result = assert(pix.flow.resume(journal, options))
    result.runs[1]:wait()
    assert.equal("sorry", result.runs[1].state)
    assert.same({ "Pedido 17: falar com o cliente" }, alerts)
  end)
end)

describe("a flow whose own code fails", function()
  it("after a charge that may exist says that money may have been taken", function()
    local text = TWO_STEPS:gsub('message = "look after {total}"',
      "message = function() error 'no' end")
    local t = pix.testing.flow(text)
    finally(function() t:stop() end)
    t:script { order = "unknown" }
    local _, outcome = t:run { total = "8.50" }
    assert.equal("failed", outcome)
    assert.matches("stopped at help.*money may have been taken", t.alerts[1])
  end)
end)

describe("two charges of a flow", function()
  local TWO = [[
return flow "two" {
  start = "a",
  a = charge { amount = "1.00", paid = "give_a", expired = "bye", cancelled = "bye",
    failed = "bye", unknown = "help" },
  give_a = perform "give" { of = "a", delivers = true, ok = "b", failed = "help" },
  b = charge { amount = "2.00", paid = "give_b", expired = "bye", cancelled = "bye",
    failed = "bye", unknown = "help" },
  give_b = perform "give" { of = "GIVEN", delivers = true, ok = "thanks", failed = "help" },
  help = alert { message = "help", next = "bye" },
  thanks = done {}, bye = fail {},
}
]]

  it("are delivered each for itself", function()
    local t = pix.testing.flow((TWO:gsub("GIVEN", "b")))
    assert.equal("thanks", (t:run {}))
    t:stop()
  end)

  it("are not delivered for each other", function()
    local flow, err = pix.flow.load((TWO:gsub("GIVEN", "a")))
    assert.is_nil(flow)
    assert.equal("invalid", err.kind)
  end)
end)

describe("a flow without money", function()
  local t

  before_each(function() t = pix.testing.flow(CHOICE) end)
  after_each(function() t:stop() end)

  local function way(size, script)
    t:script(script or {})
    t:run { size = size }
    return t:way()
  end

  it("chooses by a value, and by a function", function()
    assert.equal("which —small→ little —next→ rest —next→ thanks", way "small")
    assert.is_true(t:now() >= 30)
    assert.equal("which —large→ much —yes→ rest —next→ thanks", way "large")
  end)

  it("has another way for what it does not know, be it called so", function()
    assert.equal("which —otherwise→ what —tea→ rest —next→ thanks", way("huge", { what = "tea" }))
    assert.equal("which —otherwise→ what —timed_out→ bye", way("otherwise", { what = "timed_out" }))
  end)
end)

describe("a part of a flow", function()
  it("has names of its own, takes input and gives a result", function()
    local t = pix.testing.flow(PARTS)
    assert.equal("thanks", (t:run { price = "3.00" }))
    assert.equal(300, t.charges[1].amount)
    assert.equal(300, t.result.paid)
    t:stop()
  end)

  it("that failed leads where its failure leads", function()
    local t = pix.testing.flow(PARTS)
    t:script { ["first/ask"] = "expired" }
    assert.equal("bye", (t:run { price = "3.00" }))
    t:stop()
  end)
end)

describe("a run", function()
  local t

  before_each(function() t = pix.testing.flow(TWO_STEPS) end)
  after_each(function() t:stop() end)

  it("says what it is", function()
    t:run { total = "8.50" }
    assert.matches("^pix%.flow run %S+ %(two steps at thanks%)$", tostring(t._run))
  end)

  it("writes again what the journal did not take", function()
    local step, failures = t.journal.run_step, 3
    t.journal.run_step = function(...)
      failures = failures - 1
      if failures >= 0 then
        return nil, core.error { kind = "journal", code = "full", sent = "no", message = "full" }
      end
      return step(...)
    end
    assert.equal("thanks", (t:run { total = "8.50" }))
    assert.equal(3, #t.errors)
    assert.equal(1, #t.charges)
  end)

  it("stops when another worker has gone on with it", function()
    t.journal.run_step = function()
      return nil, core.error { kind = "conflict", code = "stale", sent = "no", message = "stale" }
    end
    t:run { total = "8.50" }
    assert.equal("order", t._run.state)
    assert.is_nil(t._run.ended or nil)
    assert.is_true(#t.charges <= 1)
  end)

  it("tells of a host's function that raises, and goes on", function()
    t:script { order = "unknown" }
    local prepare = require("pix.flow.options").prepare
    require("pix.flow.options").prepare = function(graph, given, name)
      local fails = 2
      given.alert = function(message)
        fails = fails - 1
        if fails == 1 then error "the pager is broken" end
        if fails == 0 then return nil, "nobody answers" end
        table.insert(t.alerts, message)
      end
      return prepare(graph, given, name)
    end
    finally(function() require("pix.flow.options").prepare = prepare end)
    t:run { total = "8.50" }
    assert.equal("order —unknown→ help —next→ bye", t:way())
    assert.equal(1, #t.alerts)
    local words = {}
    for i, message in ipairs(t.errors) do words[i] = tostring(message) end
    assert.truthy(table.concat(words, "\n"):find("the pager is broken", 1, true))
    assert.truthy(table.concat(words, "\n"):find("nobody answers", 1, true))
  end)
end)

describe("a subscription in a flow", function()
  local INPUT = { plan = "PLAN123", name = "Maria da Silva", tax_id = "529.982.247-25",
    email = "maria@example.com", phone = "(11) 98765-4321", order = "1" }
  local stderr

  before_each(function() stderr = io.stderr end)
  after_each(function() io.stderr = stderr end) -- luacheck: ignore

  -- With what the host gives for a card; the states that it came through, and what was complained.
  local function run(card)
    local t, written = pix.testing.start(), {}
    finally(function() t:stop() end)
    io.stderr = { write = function(_, ...) -- luacheck: ignore
      written[#written + 1] = table.concat { ... }
    end }
    local payzu = assert(pix.payzu { api_key = "k", webhook_url = "https://shop.example/hook" })
    local flow = assert(pix.flow.load "examples/flows/subscription_trial.flow.lua")
    local states = {}
    local going = assert(flow:run(INPUT, { checkout = payzu, card = card, alert = function() end,
      perform = { ["open access"] = function() return true end },
      ui = { show = function() end, ask = function(view)
        if view == "offer" then return "at_once" end
        return "no"
      end },
      on_step = function(step) states[#states + 1] = step.from .. " " .. step.outcome end }))
    going:wait()
    io.stderr = stderr -- luacheck: ignore
    return table.concat(states, ", "), table.concat(written)
  end

  it("asks the host for the card", function()
    local states = run(function()
      return assert(pix.card { number = "4111111111111111", cvv = "123", expiry = "12/2099",
        holder = "MARIA SILVA" })
    end)
    assert.matches("offer at_once, .*join subscribed", states)
  end)

  it("has failed, and is complained of, when the host raises instead", function()
    local states, written = run(function() error "no reader of cards" end)
    assert.matches("join failed", states)
    assert.truthy(written:find("no reader of cards", 1, true))
  end)
end)

describe("the runs in memory", function()
  it("are listed, by flow and by whether they have ended", function()
    local memory = require "pix.flow.memory"
    local runs = memory.new()
    for i = 1, 3 do
      assert(runs:run_begin { id = "r-" .. i, flow = i < 3 and "tea" or "coffee", version = "1",
        state = "pay", data = {}, now = 1000, lease = 30 })
    end
    local row = assert(runs:run_get "r-1")
    assert(runs:run_step("r-1", { fence = row.fence, step = row.step, state = "bye", now = 1001,
      ended = true }))
    local function names(query)
      local list = {}
      for i, run in ipairs(runs:run_list(query)) do list[i] = run.id end
      return table.concat(list, " ")
    end
    assert.equal("r-1 r-2 r-3", names())
    assert.equal("r-1 r-2", names { flow = "tea" })
    assert.equal("r-2", names { flow = "tea", ended = false })
    assert.equal("r-1", names { ended = true })
    assert.equal("r-3", names { after = "r-2" })
    local _, err = runs:run_step("r-1", { fence = row.fence, step = row.step, state = "x",
      now = 1002 })
    assert.same({ "conflict", "stale" }, { err.kind, err.code })
  end)
end)
