-- What pix.update() costs a game: 200 tasks, each with a request under way at any time (a charge,
-- its status, again), TLS handshakes included; bench/frames starts the server. The frames until all
-- 200 calls are under way, each of which begins one for the first time, are told apart from those
-- that follow: the first of these brings the token, with which all 200 leave.
--
--     love bench/love URL CA-FILE FRAMES BUDGET      budget in seconds, or "default"
--
-- Wall time is what a player sees; where other programs share the cores it tells of the machine's
-- scheduler too. Time of the thread on its core (CLOCK_THREAD_CPUTIME_ID) is luapix's own part.
local core = require "pix.core"
local ffi = require "ffi"
local pix = require "pix"

ffi.cdef [[
  struct pix_bench_time { long seconds, nanoseconds; };
  int clock_gettime(int clock, struct pix_bench_time *time);
]]

local IN_FLIGHT = 200
local FRAME = 1 / 60
local THREAD_CPU = 3
local LONGEST_START = 6000 -- frames

local clock = love.timer.getTime
local time = ffi.new "struct pix_bench_time"
local most, budget
local STARTING, UNDER_WAY = 1, 2
local phase = STARTING
local phases = {
  { title = "starting", frames = 0, answers = 0, cpu = {}, wall = {} },
  { title = "200 under way", frames = 0, answers = 0, cpu = {}, wall = {} },
}
local failures, last_error = 0, nil

local function cpu_clock()
  ffi.C.clock_gettime(THREAD_CPU, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local function shopper(ssg)
  while true do
    local charge, err = ssg:charge { amount = 1990 }
    if charge then charge, err = ssg:status(charge) end
    phases[phase].answers = phases[phase].answers + 1
    if not charge then failures, last_error = failures + 1, err end
  end
end

-- The first `count` of them are in use.
local function figures(times, count)
  for i = #times, count + 1, -1 do times[i] = nil end
  table.sort(times)
  local function at(share)
    return times[math.max(1, math.ceil(#times * share))] * 1000
  end
  return ("%.3f | %.3f | %.3f | %.3f"):format(at(0.5), at(0.99), at(0.999), at(1))
end

local function report()
  local name = budget and ("%g ms"):format(budget * 1000) or "default"
  for _, one in ipairs(phases) do
    print(("| %s | %s | %d | %d | CPU | %s |"):format(name, one.title, one.frames, one.answers,
      figures(one.cpu, one.frames)))
    print(("| | | | | wall | %s |"):format(figures(one.wall, one.frames)))
  end
  if failures > 0 then print(("%d failed: %s"):format(failures, tostring(last_error))) end
end

function love.load(args)
  pix.use "love"
  most, budget = tonumber(args[3]), tonumber(args[4])
  local ssg = assert(pix.ssg { client_id = "b", client_secret = "b", device_code = "b",
    base_url = args[1], ca_file = args[2], max_connections = IN_FLIGHT })
  for _ = 1, IN_FLIGHT do
    pix.spawn(shopper, ssg)
  end
  for _, one in ipairs(phases) do
    for i = 1, math.max(most, IN_FLIGHT) do one.wall[i], one.cpu[i] = 0, 0 end
  end
end

function love.update()
  if phase == STARTING and core.reactor():pending() >= IN_FLIGHT then phase = UNDER_WAY end
  local one = phases[phase]
  local began, cpu_began = clock(), cpu_clock()
  pix.update(nil, budget)
  local cpu_took, took = cpu_clock() - cpu_began, clock() - began
  one.frames = one.frames + 1
  one.wall[one.frames], one.cpu[one.frames] = took, cpu_took
  assert(one.frames < LONGEST_START or phase == UNDER_WAY, "200 requests were never under way")
  if one.frames == most and phase == UNDER_WAY then
    report()
    return love.event.quit()
  end
  love.timer.sleep(math.max(0, FRAME - took))
end
