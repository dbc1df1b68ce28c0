--- A busy shop - 64 orders in flight, charged, paid, cancelled and refunded - is killed at random
-- moments, and started again, and killed again. CRASH_ROUNDS says how often (40), CRASH_SEED where
-- the moments begin (1). `make crash ROUNDS=1000` is the long way.
local crash = require "spec.crash.shop"
local lives = require "spec.crash.life"
local live = require "spec.support.live"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"

local ROUNDS, SEED = lives.size("CRASH_ROUNDS", 40, 10), lives.SEED
local LIVES = 10 -- between two judgements
local LONGEST = 300 -- milliseconds of a life

describe("a busy shop that is killed at random moments", function()
  local sandbox, server, providers

  setup(function()
    sandbox = live.start { auto_pay = 0.03 }
    server = postgres.start()
    providers = {}
    for i, name in ipairs { "ssg", "detseg", "payzu" } do
      providers[i] = crash.provider(name, sandbox.url[name], sandbox.credentials[name])
    end
  end)

  teardown(function()
    server:close()
    sandbox.stop()
  end)

  local function one_life(world, draw, seed)
    local life = lives.start(world, { worker = crash.WORKER, seed = seed })
    -- Half of them die while they start and recover, perhaps.
    if draw(2) == 1 then life.pipe:read("*l") end
    lives.kill(life, draw(LONGEST))
  end

  local function one_world(journal, folder, seed)
    sandbox.reset()
    sandbox.fault { delay = 0.01, times = "always" }
    local world = { sandbox = sandbox, journal = journal, folder = folder, providers = providers }
    local draw = crash.generator(seed)
    for i = 1, LIVES do
      one_life(world, draw, seed * 100 + i)
    end
    sandbox.clear_faults()
    local found = lives.judge(world)
    if os.getenv("CRASH_ROUNDS") then
      io.write((" seed %d: %d operations, %d charges, %d events\n"):format(seed, #found.rows,
        #found.charges, #found.told))
      io.flush()
    end
  end

  for i = 0, ROUNDS / LIVES - 1 do
    local seed = SEED + i
    local backend = i % 2 == 0 and "sqlite" or "postgres"
    it(("loses nothing on %s (seed %d)"):format(backend, seed), function()
      local folder = program.folder()
      local journal = backend == "sqlite" and folder .. "/pix.db" or server:fresh()
      one_world(journal, folder, seed)
      program.remove(folder)
    end)
  end
end)
