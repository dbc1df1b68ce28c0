local core = require "pix.core"
local journals = require "pix.journal"
local pix = require "pix"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"

local COFFEE = "examples/flows/coffee.flow.lua"
local ORDER = { total = "8.50", order = "17" }

-- A shop whose charges are paid, or not, as the spec says.
local function shop_of(world)
  local Charge = {}
  Charge.__index = Charge
  function Charge:wait(given)
    local ok, err = pix.sleep(math.min(given.timeout, 1))
    if not ok then return nil, err end
    if world.paid then self.status = "paid" end
    if self.status ~= "pending" then return self.status end
    return nil, { kind = "timeout", message = "not paid" }
  end
  function Charge:cancel() self.status = "cancelled" return "cancelled" end
  function Charge:refresh() return self.status end
  function Charge:refund()
    world.refunds = (world.refunds or 0) + 1
    if world.refund then return world.refund(self) end
    self.status = "refunded"
    return "refunded"
  end
  local function charge_of(saved)
    return setmetatable({ id = saved.id, provider = "none", amount = saved.amount, code = "0002",
      status = "pending" }, Charge)
  end
  return { durable = true, charge = function(_, ask)
    world.charges = (world.charges or 0) + 1
    return charge_of { id = ask.reference, amount = ask.amount }
  end, revive = function(_, saved) return charge_of(saved) end }
end

local function options_of(world, journal)
  return { checkout = shop_of(world), journal = journal, ui = { show = function(name)
    table.insert(world.shown, name)
  end }, perform = { brew = world.brew or function() return true end },
    alert = function(message) table.insert(world.alerts, message) end,
    on_error = function(message) table.insert(world.errors, tostring(message)) end }
end

local function world_of(more)
  local world = { shown = {}, alerts = {}, errors = {} }
  for name, value in pairs(more or {}) do world[name] = value end
  return world
end

local alive = {} -- workers and runs that a failed spec leaves behind

-- pix.run ends when all tasks have ended: also when an assertion fails.
local function play(f)
  pix.run(function()
    local ok, raised = pcall(f)
    for _, it in ipairs(alive) do
      it:stop()
      it._task:cancel()
    end
    alive = {}
    if not ok then error(raised, 0) end
  end)
end

local function track(it)
  alive[#alive + 1] = it
  return it
end

local server
local back_ends = {
  { name = "SQLite", place = function(folder) return folder .. "/runs.db" end },
  { name = "PostgreSQL", place = function()
    server = server or postgres.start()
    return server:fresh()
  end },
}

for _, back_end in ipairs(back_ends) do
  describe("the lease of a run in " .. back_end.name, function()
    local t, folder, place, flow, opened

    before_each(function()
      t = pix.testing.start { wall = 1800000000 }
      folder = program.folder()
      place = back_end.place(folder)
      flow = assert(pix.flow.load(COFFEE))
      opened = {}
    end)

    after_each(function()
      for _, journal in ipairs(opened) do journal:close() end
      t:stop()
      program.remove(folder)
    end)

    teardown(function()
      if server then server:close() end
      server = nil
    end)

    local function open(worker)
      local journal = assert(journals.open(place, { worker = worker }))
      opened[#opened + 1] = journal
      return journal
    end

    -- A worker that stands still: nothing is renewed, and nothing is given back.
    local function freeze(journal)
      local methods = { "run_renew", "run_step", "run_later" }
      for _, name in ipairs(methods) do
        journal[name] = function()
          pix.sleep(86400)
          return nil, core.error { kind = "cancelled", message = "the worker stands still" }
        end
      end
      return function()
        for _, name in ipairs(methods) do journal[name] = nil end
      end
    end

    local function resume(journal, world, more)
      local given = options_of(world, nil)
      given.journal, given.flows = nil, { flow }
      for name, value in pairs(more or {}) do given[name] = value end
      return assert(pix.flow.resume(journal, given))
    end

    it("is kept while the run waits, however long", function()
      local mine, other, world = open "one", open "two", world_of()
      local run = track(assert(flow:run(ORDER, options_of(world, mine))))
      play(function()
        for _ = 1, 29 do
          pix.sleep(10)
          assert.equal(0, #resume(other, world_of()).runs)
        end
        world.paid = true
        assert.equal("done", (run:wait()))
      end)
      assert.same({ "qr", "thanks" }, world.shown)
    end)

    it("is over soon when its worker dies, and another goes on with the same charge", function()
      local mine, other, dead, world = open "one", open "two", world_of(), world_of { paid = true }
      local run = track(assert(flow:run(ORDER, options_of(dead, mine))))
      play(function()
        pix.sleep(5)
        freeze(mine)
        pix.sleep(19)
        assert.equal(0, #resume(other, world).runs)
        pix.sleep(21)
        local runs = resume(other, world).runs
        assert.equal(run.id, runs[1].id)
        assert.equal("done", (runs[1]:wait()))
        run:lose()
      end)
      assert.equal(1, dead.charges)
      assert.is_nil(world.charges)
      assert.same({ "qr", "thanks" }, world.shown)
    end)

    it("is given back by a run that is stopped in order", function()
      local mine, other, world = open "one", open "two", world_of { paid = true }
      local run = track(assert(flow:run(ORDER, options_of(world_of(), mine))))
      play(function()
        pix.sleep(2)
        run:stop()
        assert.is_nil((run:wait()))
        assert.equal("done", (resume(other, world).runs[1]:wait()))
      end)
    end)

    it("of a former life of the same name is over at once", function()
      local mine, world = open "kiosk", world_of { paid = true }
      local run = track(assert(flow:run(ORDER, options_of(world_of(), mine))))
      play(function()
        pix.sleep(2)
        freeze(mine)
        local again = open "kiosk"
        assert.equal(0, #resume(again, world).runs)
        assert.equal("done", (resume(again, world, { own = true }).runs[1]:wait()))
        run:lose()
      end)
    end)

    it("is asked for before money is moved, by a worker that had stood still", function()
      local mine, other, world = open "one", open "two", world_of { paid = true }
      local late = world_of { paid = true, brew = function() return nil, "jam" end }
      local second = world_of { paid = true, brew = function() return nil, "jam" end }
      local wake
      late.refund = function() -- the first try stands still, and comes back after two minutes
        wake = freeze(mine)
        pix.sleep(120)
        wake()
        return nil, core.error { kind = "network", sent = "no", message = "gone" }
      end
      local run = track(assert(flow:run(ORDER, options_of(late, mine))))
      play(function()
        pix.sleep(60)
        local runs = resume(other, second).runs
        assert.equal("failed", (runs[1]:wait()))
        local outcome, err = run:wait()
        assert.is_nil(outcome)
        assert.equal("cancelled", err.kind)
      end)
      assert.equal(1, late.refunds) -- and no second one
      assert.equal(1, second.refunds)
      assert.same({}, world.alerts)
    end)

    it("is kept for two hundred runs in few transactions", function()
      local mine, runs = open "one", {}
      local world = world_of()
      play(function()
        for i = 1, 200 do
          runs[i] = assert(flow:run({ total = "1.00", order = tostring(i) },
            options_of(world, mine)))
        end
        pix.sleep(8)
        local _, before = mine:counts()
        pix.sleep(40)
        local _, after = mine:counts()
        assert.is_true(after - before <= 10, tostring(after - before))
        assert.equal(0, #resume(open "two", world_of()).runs)
        for i = 1, 200 do runs[i]:stop() end
      end)
    end)
  end)
end

describe("pix.flow.work", function()
  local t, folder, journal, flow

  before_each(function()
    t = pix.testing.start { wall = 1800000000 }
    folder = program.folder()
    flow = assert(pix.flow.load(COFFEE))
    journal = assert(journals.open(folder .. "/runs.db", { worker = "one" }))
  end)

  after_each(function()
    journal:close()
    t:stop()
    program.remove(folder)
  end)

  local function left_behind(count)
    for i = 1, count do
      local run = assert(flow:run({ total = "1.00", order = tostring(i) },
        options_of(world_of(), journal)))
      pix.sleep(2)
      run:stop()
      run:wait()
    end
  end

  local function work(world, more)
    local given = options_of(world, nil)
    given.journal, given.flows = nil, { flow }
    for name, value in pairs(more or {}) do given[name] = value end
    return track(pix.flow.work(journal, given))
  end

  it("goes on with what nobody holds, until it is stopped", function()
    local world, taken = world_of { paid = true }, {}
    play(function()
      local worker = work(world, { on_run = function(run) taken[#taken + 1] = run end })
      left_behind(2)
      pix.sleep(30)
      assert.equal(2, #taken)
      for _, run in ipairs(taken) do assert.is_true(run.ended) end
      worker:stop()
      left_behind(1)
      pix.sleep(100)
      assert.equal(2, #taken)
    end)
  end)

  it("takes no more runs at once than it was told", function()
    local world, taken = world_of(), {}
    play(function()
      left_behind(5)
      local worker = work(world, { most = 2, on_run = function(run) taken[#taken + 1] = run end })
      pix.sleep(50)
      assert.equal(2, #taken)
      world.paid = true
      pix.sleep(50)
      assert.equal(5, #taken)
      worker:stop()
    end)
  end)

  it("tells a person once of a run that cannot go on, whichever workers come across it", function()
    local world = world_of()
    local tea = assert(pix.flow.load((program.read(COFFEE):gsub('flow "coffee"', 'flow "tea"'))))
    play(function()
      left_behind(1)
      local one = work(world, { flows = { tea } })
      local two = work(world, { flows = { tea } })
      pix.sleep(200)
      one:stop()
      two:stop()
      assert.equal(1, #world.alerts)
      local taken
      local three = work(world_of { paid = true }, { on_run = function(run) taken = run end })
      pix.sleep(100)
      assert.equal("thanks", taken.state)
      three:stop()
    end)
  end)

  it("says what it was given wrongly", function()
    assert.has_error(function() pix.flow.work(journal, {}) end,
      "pix.flow.work: flows = { flow, … } is needed")
    assert.has_error(function() work(world_of(), { most = 0 }) end,
      "pix.flow.work: most must be a number above 0")
  end)
end)
