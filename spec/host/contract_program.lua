--- The child of contract.lua: runs the cases in one host and prints a line for each.
--
--     contract_program.lua HOST         "ok SENTENCE" or "failed SENTENCE: why"
--     contract_program.lua HOST stop    leaves the loop with calls under way, and ends
-- LÖVE calls it from spec/support/host_game with the host "love".
local hosts = require "spec.support.host_loops"
local pix = require "pix"

local HANGING = 50 -- calls under way when the host stops

local name, stops = ...
local host = assert(hosts[name], "no such host")
local sandbox = pix.sandbox.start()

local function say(text)
  io.stdout:write((text:gsub("\n", " | ")), "\n")
  io.stdout:flush()
end

local function provider(of, more)
  local options = { base_url = sandbox.url[of], timeout = more.timeout,
    webhook_url = more.webhook_url }
  for key, value in pairs(sandbox.credentials[of]) do
    options[key] = value
  end
  return assert(pix.provider(of, options))
end

local c = {
  sandbox = sandbox, beat = host.beat, blocks = host.blocks,
  ssg = provider("ssg", {}),
  payzu = provider("payzu", { timeout = 300, webhook_url = "http://127.0.0.1:9/none" }),
}

local function run(sentence, f)
  local ok, err = xpcall(function() return f(c) end, debug.traceback)
  say(ok and "ok " .. sentence or ("failed %s: %s"):format(sentence, tostring(err)))
  sandbox.reset()
end

local function every_case()
  for _, case in ipairs(require "spec.host.contract_cases") do
    run(case.sentence, case.run)
  end
  for _, case in ipairs(host.cases or {}) do
    run(case[1], case[2])
  end
end

local function done()
  if stops then return say "stopped" end
  sandbox.stop()
end

local function stop_in_flight()
  sandbox.fault { hang = true, times = "always" }
  for _ = 1, HANGING do
    pix.spawn(function() c.payzu:charge { amount = 100 } end)
  end
  while sandbox.count() < 10 do
    pix.sleep(0.002)
  end
  host.stop(done)
end

if host.use then pix.use(host.use) end
if host.outside and not stops then
  run("does what it can outside its loop, or says what to do", host.outside)
end
host.run(stops and stop_in_flight or every_case, done)
