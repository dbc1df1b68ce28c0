--- How fast flows are checked, and what a run costs: 10,000 runs at once in one process.
--
--     .ci/lua 5.4 bench/flow.lua
local load_flow = require "pix.flow.load"
local pix = require "pix"
local verify = require "pix.flow.verify"

local RUNS = tonumber(arg[1]) or 10000
local TIMES = 20

-- A long flow: fifty rounds of charge, delivery, refund and question.
local function long_flow(states)
  local lines = { 'return flow "long" { start = "pay1",' }
  local rounds = math.floor((states - 3) / 4)
  for i = 1, rounds do
    local after = i < rounds and "pay" .. i + 1 or "ok"
    lines[#lines + 1] = ([[pay%d = charge { amount = 100, paid = "give%d", expired = "ask%d",
      cancelled = "ask%d", failed = "bad", unknown = "help" },
    give%d = perform "give" { delivers = true, of = "pay%d", ok = "%s", failed = "back%d" },
    back%d = refund { of = "pay%d", refunded = "bad", failed = "help" },
    ask%d = ask { show = "a", timeout = "1m", yes = "pay%d", no = "bad", timed_out = "bad" },]])
      :format(i, i, i, i, i, i, after, i, i, i, i, i)
  end
  lines[#lines + 1] = 'help = alert { message = "m", next = "bad" }, ok = done {}, bad = fail {} }'
  return table.concat(lines, "\n"), rounds * 4 + 3
end

local function best(f)
  local least = math.huge
  for _ = 1, TIMES do
    local began = os.clock()
    f()
    least = math.min(least, os.clock() - began)
  end
  return least * 1000
end

local function checking()
  for _, wanted in ipairs { 50, 103, 203, 403 } do
    local text, states = long_flow(wanted)
    local flow, err = load_flow.load(text)
    if not flow then error(tostring(err)) end
    print(("check: %3d states, %2d charges: proof %6.1f ms, with reading %6.1f ms"):format(states,
      (states - 3) / 4, best(function() verify.graph(flow.graph) end),
      best(function() load_flow.load(text) end)))
  end
end

-- A shop without a network: a charge is paid when the benchmark says so.
local function quiet_shop(paid)
  local Charge = {}
  Charge.__index = Charge
  function Charge:wait(given)
    local ok, err = pix.sleep(paid.now and 0 or given.timeout)
    if not ok then return nil, err end
    self.status = "paid"
    return "paid"
  end
  function Charge.cancel() return "cancelled" end
  return { charge = function(_, ask)
    return setmetatable({ id = ask.reference, provider = "none", amount = ask.amount,
      status = "pending", code = "000201" }, Charge)
  end }
end

local function memory()
  collectgarbage()
  collectgarbage()
  return collectgarbage "count"
end

local function running()
  local t = pix.testing.start()
  local flow, paid = assert(pix.flow.load "examples/flows/coffee.flow.lua"), {}
  local given = { checkout = quiet_shop(paid), ui = { show = function() end },
    perform = { brew = function() return true end }, alert = function() end }
  local before, began, runs = memory(), os.clock(), {}
  for i = 1, RUNS do
    runs[i] = assert(flow:run({ total = 850, order = tostring(i) }, given))
  end
  t:advance(1)
  local waiting = memory()
  print(("run: %d at once, each waiting for its payment: %.1f KiB a run, %.0f µs to begin one")
    :format(RUNS, (waiting - before) / RUNS, (os.clock() - began) / RUNS * 1e6))
  began, paid.now = os.clock(), true
  t:advance(400)
  local done = 0
  for _, run in ipairs(runs) do
    if run.outcome == "done" then done = done + 1 end
  end
  print(("run: %d of %d ended with the coffee delivered, %.0f µs each from payment to end"):format(
    done, RUNS, (os.clock() - began) / RUNS * 1e6))
  t:stop()
end

checking()
running()
