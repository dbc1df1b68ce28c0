local core = require "pix.core"
local memory = require "pix.flow.memory"
local pix = require "pix"
local walk = require "pix.flow.walk"

local FLOWS = {
  coffee = { total = 850, order = "17" },
  game_shop = { price = 1990, item = "sword", player = "ana", order = "18" },
  parking_exit = { ticket = "T1" },
  subscription_trial = { plan = "P", name = "n", tax_id = "t", email = "e", phone = "f",
    order = "19" },
}

-- A journal that ends the program at its n-th write, before or after that is on the disk.
local function deadly(journal, n, after)
  local count = 0
  return setmetatable({ run_step = function(_, id, step)
    count = count + 1
    if count == n and not after then error("power cut", 0) end
    local result, err = journal:run_step(id, step)
    if count == n then error("power cut", 0) end
    return result, err
  end }, { __index = function(_, name)
    return function(_, ...) return journal[name](journal, ...) end
  end })
end

-- What the shop's ledger says: money that is owed to a customer, or a code that stays payable.
local function check_ledger(t, delivered, words)
  local open = 0
  for _, charge in ipairs(t.charges) do
    if charge.status == "pending" then open = open + 1 end
    if charge.status == "paid" then
      assert.is_true(delivered > 0 or #t.alerts > 0, "money kept: " .. words)
      delivered = delivered - 1
    end
  end
  assert.is_true(open == 0 or #t.alerts > 0, "still payable: " .. words)
end

local function open_test(name, path)
  local t = pix.testing.flow("examples/flows/" .. name .. ".flow.lua")
  t:script(walk.script(path)):returns("quote", 1500)
  t._limit = 60
  return t
end

-- Runs a path, ends the program at write n, goes on. false: there were fewer writes.
local function crash(name, path, n, after)
  local t, delivered = open_test(name, path), 0
  local journal = memory.new()
  t.journal = deadly(journal, n, after)
  for _, node in ipairs(t._graph.nodes) do
    if node.args.delivers then
      t:perform(node.title, function()
        local ok = t._run.state ~= node.name or (t._script[node.name] or {})[1] ~= "failed"
        if ok then delivered = delivered + 1 end
        return ok or nil
      end)
    end
  end
  local ok, err = pcall(t.run, t, FLOWS[name])
  if not ok then
    assert.matches("power cut", tostring(err))
    t.journal = journal
    t:resume()
  end
  local words = ("%s, write %d%s: %s"):format(name, n, after and " done" or "", t:way())
  if t._run.ended then check_ledger(t, delivered, words) end
  t:stop()
  return not ok
end

describe("a program that ends at any transition and starts again", function()
  for name in pairs(FLOWS) do
    it("keeps no money of the flow " .. name, function()
      local flow = assert(pix.flow.load("examples/flows/" .. name .. ".flow.lua"))
      local crashes = 0
      for _, path in ipairs((walk.paths(flow.graph, 1))) do
        for _, after in ipairs { false, true } do
          local n = 1
          while crash(name, path, n, after) do
            n, crashes = n + 1, crashes + 1
          end
        end
      end
      assert.is_true(crashes > 10, tostring(crashes))
    end)
  end

  it("shows the same code again while it can be paid", function()
    local t = open_test("coffee", { { state = "pay", outcome = "paid" } })
    local journal, shown = memory.new(), {}
    t.journal = deadly(journal, 2, false)
    assert.is_false((pcall(t.run, t, FLOWS.coffee)))
    shown[1] = t._data.code
    t.journal = journal
    assert.equal("thanks", (t:resume()))
    assert.equal(1, #t.charges)
    assert.equal("code-1", shown[1])
    assert.matches("^qr qr", table.concat(t.shown, " "):gsub("thanks.*", ""), 1)
    t:stop()
  end)

  it("does not make a second charge where the first may exist", function()
    local t = open_test("coffee", {})
    local journal = memory.new()
    t.journal = deadly(journal, 1, false)
    assert.is_false((pcall(t.run, t, FLOWS.coffee)))
    t.journal = journal
    local shop = getmetatable(t.shop)
    local charge = shop.charge
    shop.charge = function() error "asked twice" end
    finally(function() shop.charge = charge t:stop() end)
    local runner = require "pix.flow.till"
    local of = runner.of
    runner.of = function(given)
      local till = of(given)
      till.durable = false
      return till
    end
    t:resume()
    runner.of = of
    assert.equal("sorry", t._run.state)
    assert.equal(1, #t.alerts)
  end)
end)

describe("pix.flow.resume", function()
  local t, journal

  before_each(function()
    t = pix.testing.flow "examples/flows/coffee.flow.lua"
    journal = t.journal
    t:script { pay = "nothing" }
    t:perform("brew", function() return true end)
    local first = require("pix.flow.options").prepare(nil, { checkout = { durable = true,
      revive = function() end, charge = function() error("power cut", 0) end },
      perform = { brew = function() end }, journal = journal, alert = function() end }, "spec")
    local run = require("pix.flow.runner").begin(t._flow, FLOWS.coffee, first)
    pcall(run.wait, run)
    journal.worker = "another"
  end)
  after_each(function() t:stop() end)

  local function resume(text)
    local alerts = {}
    local shop = { durable = true, revive = function() end, charge = function()
      return nil, core.error { kind = "declined", sent = "no", message = "no" }
    end }
    local result = assert(pix.flow.resume(journal, { flows = { assert(pix.flow.load(text)) },
      sole = true, checkout = shop, perform = { brew = function() end },
      alert = function(message) alerts[#alerts + 1] = message end }))
    for _, run in ipairs(result.runs) do run:wait() end
    return result, alerts
  end

  local function text(from, to)
    local all = io.open("examples/flows/coffee.flow.lua"):read "*a"
    return (all:gsub(from or "$^", to or ""))
  end

  it("goes on with the same version", function()
    local result = resume(text())
    assert.equal("sorry", result.runs[1].state)
  end)

  it("goes on in a changed flow, where that is proved to be safe", function()
    local result = resume(text('"again", timeout = "20s"', '"again", timeout = "30s"'))
    assert.equal(1, #result.runs)
    assert.equal(0, #result.changed)
  end)

  it("leaves a run to a person when its state is gone", function()
    local result, alerts = resume((text("pay%f[^%w_]", "checkout")))
    assert.equal(0, #result.runs)
    assert.equal("the state pay is gone", result.changed[1].why)
    assert.matches("cannot go on", alerts[1])
  end)

  it("leaves a run to a person when there is no such flow", function()
    local result = resume((text('flow "coffee"', 'flow "tea"')))
    assert.matches("no flow of this name", result.changed[1].why)
  end)
end)
