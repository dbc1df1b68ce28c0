--- Four processes share the runs of one PostgreSQL by leases; they are killed at random moments,
-- stay away for a while, and are started again. CRASH_REFERENCES says how many orders (120),
-- CRASH_SEED where chance begins (1).
local crash = require "spec.crash.shop"
local journals = require "pix.journal"
local lives = require "spec.crash.life"
local pix = require "pix"

local REFERENCES, SEED = lives.size("CRASH_REFERENCES", 120, 20), lives.SEED
local WORKERS = 4
local KILLS = math.max(4, math.ceil(REFERENCES / 15))
local AWAY = 1.6 -- seconds, longer than a lease: the others take its runs

describe("four workers that share runs of a flow, killed at random", function()
  local sandbox, world

  setup(function()
    world = lives.world()
    sandbox = world.sandbox
  end)

  teardown(function() lives.leave(world) end)

  local function start(number, seed)
    return lives.spawn("spec/crash/flow_busy.lua", { journal = world.journal,
      folder = world.folder, worker = "w" .. number, base_url = sandbox.url.ssg,
      credentials = sandbox.credentials.ssg, total = REFERENCES, seed = seed })
  end

  -- What the workers wrote: alerts and drinks by order, and each attempt of the machine.
  local function events()
    local found = { alerts = {}, brewed = {}, attempts = {}, took = 0 }
    for number = 1, WORKERS do
      -- One that was killed early, or came late on a busy machine, has written nothing.
      local file = io.open(("%s/w%d.events"):format(world.folder, number))
      for line in file and file:lines() or function() end do
        local what, key, attempt = line:match "^(%S+) (%S+) ?(%S*)"
        local order = key and key:match "^order%-%d+"
        if what == "alert" then found.alerts[order] = true end
        if what == "took" then found.took = found.took + 1 end
        if what == "brewed" then found.brewed[order] = key end
        if what == "brew" then
          local once = key .. " " .. attempt
          assert(not found.attempts[once], "two workers did the same: " .. once)
          found.attempts[once] = true
        end
        assert.not_equal("error", what, line)
      end
      if file then file:close() end
    end
    return found
  end

  local function runs()
    local journal, list = assert(journals.open(world.journal)), {}
    pix.run(function()
      for _, row in ipairs(assert(journal:run_list { n = REFERENCES + 1 })) do
        list[#list + 1] = assert(journal:run_get(row.id))
      end
    end)
    journal:close()
    return list
  end

  local function ledger()
    local by_order = {}
    for _, charge in ipairs(sandbox.ledger().charges) do
      local order = "order-" .. charge.amount - 1000
      by_order[order] = by_order[order] or {}
      table.insert(by_order[order], charge)
    end
    return by_order
  end

  local function judge_run(run, charges, found)
    local words = run.id .. ": " .. table.concat(assert(pix.flow.trace({ run_get = function()
      return run
    end }, run.id)), "\n")
    assert.is_true(run.ended, words)
    assert.equal(run.step, #run.steps, words)
    assert.is_true(#charges <= 1, "charged twice: " .. words)
    local status = charges[1] and charges[1].status or "none"
    local told, brewed = found.alerts[run.id], found.brewed[run.id]
    assert.is_true(status ~= "paid" or brewed ~= nil or told, "money was kept: " .. words)
    assert.is_true(status ~= "pending" or told, "still payable: " .. words)
    assert.is_true(run.state ~= "thanks" or brewed ~= nil and status == "paid", words)
    assert.is_true(not brewed or status == "paid" or told, "given for nothing: " .. words)
  end

  it("bring each run to its end once", function()
    local draw, workers, interrupted = crash.generator(SEED), {}, 0
    for i = 1, WORKERS do workers[i] = start(i, SEED * 1000 + i) end
    for i = 1, KILLS do
      local victim = draw(WORKERS)
      if not lives.kill(workers[victim], 100 + draw(600)) then interrupted = interrupted + 1 end
      if i % 2 == 0 then os.execute("sleep " .. AWAY) end
      workers[victim] = start(victim, SEED * 1000 + WORKERS + i)
    end
    for i = 1, WORKERS do assert.is_true(lives.finish(workers[i])) end
    assert.is_true(interrupted > 0)
    local list, found, by_order = runs(), events(), ledger()
    assert.equal(REFERENCES, #list)
    local ends = {}
    for _, run in ipairs(list) do
      judge_run(run, by_order[run.id] or {}, found)
      ends[run.state] = (ends[run.state] or 0) + 1
    end
    assert.is_true((ends.thanks or 0) > REFERENCES / 3)
    assert.is_true(found.took > 0)
    if os.getenv "CRASH_REFERENCES" then
      io.write((" %d runs (%d thanks, %d bye, %d sorry), %d kills at work, %d runs taken over\n")
        :format(#list, ends.thanks or 0, ends.bye or 0, ends.sorry or 0, interrupted, found.took))
    end
  end)
end)
