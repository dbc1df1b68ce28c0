--- Four processes share the orders of one PostgreSQL; they are killed at random moments and started
-- again. CRASH_REFERENCES says how many orders (200), CRASH_SEED where chance begins (1).
local crash = require "spec.crash.shop"
local judge = require "spec.crash.judge"
local lives = require "spec.crash.life"

local REFERENCES, SEED = lives.size("CRASH_REFERENCES", 200, 40), lives.SEED
local WORKERS = 4
local KILLS = math.ceil(REFERENCES / 20)

describe("four workers on one database, killed at random", function()
  local sandbox, world

  setup(function()
    world = lives.world()
    sandbox = world.sandbox
    sandbox.fault { delay = 0.02, times = "always" }
    for i, name in ipairs { "ssg", "detseg", "payzu" } do
      world.providers[i] = crash.provider(name, sandbox.url[name], sandbox.credentials[name])
    end
  end)

  teardown(function() lives.leave(world) end)

  local function begin(number, seed)
    return lives.start(world, { worker = "w" .. number, seed = seed, total = REFERENCES })
  end

  it("handle each order once", function()
    local draw, workers, interrupted = crash.generator(SEED), {}, 0
    for i = 1, WORKERS do
      workers[i] = begin(i, SEED * 1000 + i)
    end
    for i = 1, KILLS do
      local victim = draw(WORKERS)
      if not lives.kill(workers[victim], draw(150)) then interrupted = interrupted + 1 end
      workers[victim] = begin(victim, SEED * 1000 + WORKERS + i)
    end
    for i = 1, WORKERS do
      assert.is_true(lives.finish(workers[i]))
    end
    assert.truthy(interrupted > 0)
    sandbox.clear_faults()
    local found = lives.judge(world)
    local references = {}
    for number = 1, REFERENCES do
      references[number] = crash.reference(number)
    end
    assert.same({}, judge.handled(references, found.charges, found.told, function(amount)
      return crash.reference(amount - crash.amount(0))
    end))
    if os.getenv("CRASH_REFERENCES") then
      io.write((" %d orders, %d kills at work, %d operations, %d charges, %d events\n"):format(
        REFERENCES, interrupted, #found.rows, #found.charges, #found.told))
    end
    -- The sandbox pays a charge by itself, even one whose code was never shown because its maker
    -- was killed: only such an order may be paid twice.
    local orphaned = {}
    for _, row in ipairs(found.rows) do
      orphaned[row.reference] = orphaned[row.reference] or row.orphan
    end
    for _, event in ipairs(found.told) do
      assert.truthy(event.type ~= "charge.duplicate" or orphaned[event.reference], event.id)
    end
  end)
end)
