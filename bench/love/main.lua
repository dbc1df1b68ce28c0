-- What pix.update() costs a game: 200 tasks, each with a request under way at any time (a charge,
-- its status, again), TLS handshakes included; bench/frames starts the server.
--
--     love bench/love URL CA-FILE FRAMES BUDGET      budget in seconds, or "default"
local pix = require "pix"

local IN_FLIGHT = 200
local FRAME = 1 / 60

local clock = love.timer.getTime
local frames, most, budget
local times, answers, failures, last_error = {}, 0, 0, nil

local function shopper(ssg)
  while true do
    local charge, err = ssg:charge { amount = 1990 }
    if charge then charge, err = ssg:status(charge) end
    answers = answers + 1
    if not charge then failures, last_error = failures + 1, err end
  end
end

local function at(share)
  return times[math.max(1, math.ceil(#times * share))] * 1000
end

local function report()
  table.sort(times)
  local name = budget and ("%g ms"):format(budget * 1000) or "default"
  print(("| %s | %d | %d | %.3f | %.3f | %.3f | %.3f |"):format(name, frames, answers, at(0.5),
    at(0.99), at(0.999), at(1)))
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
end

function love.update()
  local began = clock()
  pix.update(nil, budget)
  local took = clock() - began
  frames = frames + 1
  times[frames] = took
  if frames == most then
    report()
    return love.event.quit()
  end
  love.timer.sleep(math.max(0, FRAME - took))
end
