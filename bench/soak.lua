-- bench/soak.lua - mixed traffic with faults in one process, for MINUTES (30): `make soak`.
--
-- Round after round, callers of single providers and of a checkout with a journal charge, look,
-- cancel, refund, subscribe, list, take webhooks, give up waiting and cancel what they began, at a
-- sandbox that breaks in every way it knows (bench/soak/weather.lua). At a round's end all is let
-- end, and then must agree: what the callers were told, the journal and the sandbox's ledger.
-- At the end of all: resident memory, Lua's heap and descriptors do not grow after the warm-up.
--
-- A caller sleeps between two actions, so that the machine has time for others; nothing is judged
-- by how long it takes but that a round ends within STUCK seconds of its time. SEED begins chance.
-- A line a round, and last "N passed, N failed": one for each agreement that was asked.
local pix = require "pix"
local core = require "pix.core"
local crash = require "spec.crash.shop"
local direct = require "bench.soak.direct"
local live = require "spec.support.live"
local shop = require "bench.soak.shop"
local weather = require "bench.soak.weather"

local MINUTES = tonumber(os.getenv "MINUTES" or 30)
local SEED = tonumber(os.getenv "SEED" or 1)
local CALLERS = tonumber(os.getenv "CALLERS" or 16)
local ROUND = math.min(20, MINUTES * 60 / 6) -- seconds
local REST = 0.3 -- at most between two actions of a caller
local STUCK = 300
local SHOWN = 20 -- failures in full

-- What may be between the middle third of the rounds and the last, where nothing leaks: pages of
-- the allocator, tables that grew, a few more connections at once. In a short run on a busy machine
-- the allocator is still gathering its pages in the last third.
local HEAP, RESIDENT, FILES = 256 * 1024, (MINUTES < 5 and 8 or 4) * 1024 * 1024, 0

-- Actions, each as often as its number.
local ACTIONS = {
  { 30, direct.charge }, { 3, direct.subscribe }, { 3, direct.search },
  { 24, shop.order }, { 6, shop.interrupted }, { 3, shop.subscribe }, { 1, shop.webhooks },
}

local passed, failed = 0, 0
local draw = crash.generator(SEED)

-- ---- What a round shares ----

local World = {}
World.__index = World

function World:check(ok, message, ...) -- luacheck: no self
  if ok then
    passed = passed + 1
    return
  end
  failed = failed + 1
  if failed > SHOWN then return end
  print("FAILED: " .. message:format(...))
end

--- An amount that nothing else in this round has: even ones are the shop's.
function World:amount(of_shop)
  self.amounts = self.amounts + 1
  return 1000 + 2 * self.amounts + (of_shop and 0 or 1)
end

function World:subscribed(told, id)
  local list = self.subscriptions
  list[told] = list[told] + 1
  if id then list.ids[#list.ids + 1] = id end
end

local function providers(sandbox, number)
  local tls, list = number % 2 == 0, {}
  local urls = tls and sandbox.https_url or sandbox.url
  for _, name in ipairs { "ssg", "detseg", "payzu" } do
    list[name] = assert(pix.provider(name, live.settings(sandbox, name, { timeout = 2,
      base_url = urls[name], ca_file = tls and sandbox.ca_file or nil })))
  end
  return list
end

local function new_world(sandbox, number)
  sandbox.reset()
  local world = setmetatable({ sandbox = sandbox, draw = draw, amounts = 0, hooks = 0,
    records = {}, subscriptions = { made = 0, none = 0, unknown = 0, ids = {} },
    providers = providers(sandbox, number), counts = { made = 0, none = 0, unknown = 0 },
    wall = function() return core.reactor():wall() end }, World)
  shop.open(world)
  return world
end

-- ---- Traffic ----

local function choose()
  local total = 0
  for _, action in ipairs(ACTIONS) do
    total = total + action[1]
  end
  local at = draw(total)
  for _, action in ipairs(ACTIONS) do
    at = at - action[1]
    if at <= 0 then return action[2] end
  end
end

local function caller(world, over)
  while not over() do
    local told = choose()(world)
    if world.counts[told] then world.counts[told] = world.counts[told] + 1 end
    pix.sleep(REST * draw(100) / 100)
  end
end

-- Runs the round's tasks to their end.
local function traffic(world)
  local ends = core.reactor():now() + ROUND
  local over = function() return core.reactor():now() >= ends end
  local tasks = { pix.spawn(weather.run, world.sandbox, draw, over) }
  for i = 1, CALLERS do
    tasks[i + 1] = pix.spawn(caller, world, over)
  end
  local results, errors = pix.all(tasks, ROUND + STUCK)
  world.faults = results[1]
  for i = 1, #tasks do
    world:check(tasks[i]:done(), "caller %d is stuck", i - 1)
  end
  world:check(not errors, "not all callers ended")
end

-- ---- What must agree ----

local function judge_subscriptions(world, ledger)
  local told, known = world.subscriptions, {}
  for _, subscription in ipairs(ledger.subscriptions) do
    known[subscription.id] = true
  end
  for _, id in ipairs(told.ids) do
    world:check(known[id], "subscription %s is not in the ledger", id)
  end
  world:check(#ledger.subscriptions >= told.made, "%d subscriptions were made, %d are there",
    told.made, #ledger.subscriptions)
  world:check(#ledger.subscriptions <= told.made + told.unknown,
    "%d subscriptions are there, %d were made, %d perhaps", #ledger.subscriptions, told.made,
    told.unknown)
end

local function judge(world)
  local ledger = world.sandbox.ledger()
  local theirs, shops = {}, {}
  for _, charge in ipairs(ledger.charges) do
    table.insert(charge.amount % 2 == 0 and shops or theirs, charge)
  end
  direct.judge(world, theirs)
  shop.webhooks(world)
  shop.judge(world, shops)
  judge_subscriptions(world, ledger)
end

-- ---- What must not grow ----

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "*a"
  file:close()
  return text
end

local PID = read "/proc/self/stat":match "^%d+"

-- Without the pipe that this is read from: its other end may not be closed yet here.
local LIST = "ls -l /proc/" .. PID .. "/fd 2>/dev/null | grep -vF \"$(readlink /proc/$$/fd/1)\""

local function descriptors()
  local pipe = assert(io.popen(LIST))
  local sockets, others = 0, 0
  for line in pipe:lines() do
    if line:find("socket:", 1, true) then
      sockets = sockets + 1
    elseif line:find("->", 1, true) then
      others = others + 1
    end
  end
  pipe:close()
  return sockets, others
end

-- LuaJIT's compiled traces are no data of ours, and more of them come for a long time.
local function measure()
  if rawget(_G, "jit") then jit.flush() end
  collectgarbage()
  collectgarbage()
  local sockets, others = descriptors()
  return { heap = collectgarbage "count" * 1024, sockets = sockets, others = others,
    resident = tonumber(read "/proc/self/status":match "VmRSS:%s*(%d+)") * 1024 }
end

local function median(list, from, to, name)
  local values = {}
  for i = from, to do
    values[#values + 1] = list[i][name]
  end
  table.sort(values)
  return values[math.floor((#values + 1) / 2)]
end

-- The first third of the rounds is the warm-up.
local function judge_growth(list)
  local third = math.floor(#list / 3)
  local first, last = third + 1, 2 * third + 1
  for name, limit in pairs { heap = HEAP, resident = RESIDENT, others = FILES } do
    local before = median(list, first, last - 1, name)
    local after = median(list, last, #list, name)
    World:check(after - before <= limit, "%s grew from %d to %d", name, before, after)
  end
  -- Connections are kept for the next call: at most one for each call that there can be at once.
  local most = 0
  for i = first, #list do
    most = math.max(most, list[i].sockets)
  end
  World:check(most <= list.before.sockets + 2 * 3 * (CALLERS + 32), "%d sockets", most)
end

-- ---- The whole ----

local function round(sandbox, number)
  local world = new_world(sandbox, number)
  pix.run(function()
    traffic(world)
    local _, errors = pix.all({ function() judge(world) end }, STUCK)
    world:check(not errors, "the judgement of round %d did not end", number)
  end)
  shop.close(world)
  pix.sleep(0) -- drains what was cancelled just now
  World:check(core.reactor():pending() == 0, "%d futures are stuck", core.reactor():pending())
  return world
end

local function row(number, world, now)
  print(("%5d %6d %6d %7d %6d %7.1f %8.0f %7d %6d"):format(number, world.counts.made,
    world.counts.none, world.counts.unknown, world.faults or 0, now.resident / 2 ^ 20,
    now.heap / 1024, now.sockets, now.others))
  io.flush()
end

os.execute "mkdir -p build/soak"
local sandbox = live.start {}
local list = { before = measure() }
print(("%s, %g minutes, %d callers, seed %d"):format(rawget(_G, "jit") and jit.version or _VERSION,
  MINUTES, CALLERS, SEED))
print "round   made   none unknown faults RSS MiB heap KiB sockets others"
local began, cpu = core.reactor():now(), os.clock()
while core.reactor():now() < began + MINUTES * 60 or #list < 6 do
  local world = round(sandbox, #list + 1)
  local counts = { counts = world.counts, faults = world.faults }
  world = nil -- luacheck: no unused
  list[#list + 1] = measure()
  row(#list, counts, list[#list])
end
print(("CPU: %.0f %% of a core"):format(100 * (os.clock() - cpu) / (core.reactor():now() - began)))
judge_growth(list)
sandbox.stop()
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
