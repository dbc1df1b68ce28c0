-- What pix.update() costs a game: 200 tasks, each with a request under way at any time (a charge,
-- its status, again), TLS handshakes included; bench/frames starts the server.
--
--     love bench/love URL CA-FILE FRAMES BUDGET      budget in seconds, or "default"
--
-- Wall time is what a player sees; where other programs share the cores it tells of the machine's
-- scheduler too. Time of the thread on its core (CLOCK_THREAD_CPUTIME_ID) is luapix's own part.
local ffi = require "ffi"
local pix = require "pix"

ffi.cdef [[
  struct pix_bench_time { long seconds, nanoseconds; };
  int clock_gettime(int clock, struct pix_bench_time *time);
]]

local IN_FLIGHT = 200
local FRAME = 1 / 60
local THREAD_CPU = 3

local clock = love.timer.getTime
local time = ffi.new "struct pix_bench_time"
local frames, most, budget
local wall, cpu, answers, failures, last_error = {}, {}, 0, 0, nil

local function cpu_clock()
  ffi.C.clock_gettime(THREAD_CPU, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

local function shopper(ssg)
  while true do
    local charge, err = ssg:charge { amount = 1990 }
    if charge then charge, err = ssg:status(charge) end
    answers = answers + 1
    if not charge then failures, last_error = failures + 1, err end
  end
end

local function figures(times)
  table.sort(times)
  local function at(share)
    return times[math.max(1, math.ceil(#times * share))] * 1000
  end
  return ("%.3f | %.3f | %.3f | %.3f"):format(at(0.5), at(0.99), at(0.999), at(1))
end

local function report()
  local name = budget and ("%g ms"):format(budget * 1000) or "default"
  print(("| %s | %d | %d | CPU | %s |"):format(name, frames, answers, figures(cpu)))
  print(("| | | | wall | %s |"):format(figures(wall)))
  if failures > 0 then print(("%d failed: %s"):format(failures, tostring(last_error))) end
end

function love.load(args)
  pix.use "love"
  most, budget = tonumber(args[3]), tonumber(args[4])
  frames = 0
  local ssg = assert(pix.ssg { client_id = "b", client_secret = "b", device_code = "b",
    base_url = args[1], ca_file = args[2], max_connections = IN_FLIGHT })
  for _ = 1, IN_FLIGHT do
    pix.spawn(shopper, ssg)
  end
  for i = 1, most do wall[i], cpu[i] = 0, 0 end
end

function love.update()
  local began, cpu_began = clock(), cpu_clock()
  pix.update(nil, budget)
  local cpu_took, took = cpu_clock() - cpu_began, clock() - began
  frames = frames + 1
  wall[frames], cpu[frames] = took, cpu_took
  if frames == most then
    report()
    return love.event.quit()
  end
  love.timer.sleep(math.max(0, FRAME - took))
end
