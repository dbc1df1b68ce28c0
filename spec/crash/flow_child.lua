--- A child process of crash/flow_spec: runs a flow at the sandbox, as a script says, and is killed
-- at one write of its journal; or goes on with what such a child has left. Its whole configuration
-- is one JSON text: flow, input, provider, credentials, base_url, control (the sandbox's URL for
-- commands), folder, script (state -> list of outcomes), cards; write, after (which write, and
-- whether it is on the disk by then); resume.
local cjson = require "cjson"
local core = require "pix.core"
local journals = require "pix.journal"
local pix = require "pix"
local crash = require "spec.crash.shop"
local tasks = require "pix.tasks"

local given = cjson.decode(arg[1])
local HASTE = 0.02 -- what a flow waits by itself passes fifty times as fast

local sleep = tasks.sleep
tasks.sleep = function(seconds) -- luacheck: ignore 122
  return sleep(seconds >= 0.5 and seconds * HASTE or seconds)
end

local function die()
  os.execute("kill -9 $PPID")
end

local function note(...)
  local file = assert(io.open(given.folder .. "/events", "a"))
  file:write(table.concat({ ... }, " "), "\n")
  file:close()
end

-- A command of the sandbox's.
local function sandbox(name, args)
  local pipe = assert(io.popen(("curl -sf -d '%s' %s/%s"):format(cjson.encode(args), given.control,
    name)))
  local answer = pipe:read "*a"
  pipe:close()
  assert(answer ~= "", name)
end

-- ---- The journal that kills ----

local function deadly(journal)
  local writes = 0
  for _, name in ipairs { "run_begin", "run_step" } do
    journal[name] = function(self, ...)
      writes = writes + 1
      if writes == given.write and not given.after then die() end
      local result, more = journals.Journal[name](self, ...)
      if writes == given.write and given.after then die() end
      return result, more
    end
  end
end

-- ---- The world: payer, customer, machine ----

local flow = assert(pix.flow.load(given.flow))
local shop
local DEFAULT = { charge = "paid", subscribe = "subscribed", refund = "refunded", perform = "ok" }

local function outcome_at(run, name, count)
  local list = given.script[name]
  local node = flow.graph.by[name]
  if not list then return DEFAULT[node.verb] or node.edges[1] and node.edges[1].outcome end
  return list[math.min(count or run.data.counts[name] or 1, #list)]
end

local FAULTS = {
  charge = { unknown = { operation = "charge", reset = "after" },
    failed = { operation = "charge", status = 422 } },
  subscribe = { unknown = { operation = "subscribe", reset = "after" },
    failed = { operation = "subscribe", status = 422 } },
  refund = { failed = { operation = "refund", status = 422, times = "always" } },
}

local COMMAND = { paid = "pay", cancelled = "cancel" }

local function act_on_charge(run, outcome)
  local charge = run._live[run.state]
  if outcome == "expired" then return run:hurry() end
  if not COMMAND[outcome] then return run:signal(outcome) end
  sandbox(COMMAND[outcome], { id = charge.id })
  assert(shop:webhook { provider = charge.provider, id = charge.id, key = core.random(8) })
end

local function act_on_question(run, outcome)
  if outcome == "timed_out" then return run:hurry() end
  assert(run:answer(outcome) or run:signal(outcome), outcome)
end

-- The run has come to a state: what will be done to it is prepared before its effect begins.
local function arrive(run, state, count)
  local node = flow.graph.by[state]
  local outcome = outcome_at(run, state, count)
  local fault = FAULTS[node.verb] and FAULTS[node.verb][outcome]
  if fault then return sandbox("fault", fault) end
  local act = node.verb == "charge" and act_on_charge or node.verb == "ask" and act_on_question
  if not act then return end
  tasks.spawn(function()
    repeat
      sleep(0.002)
      local run_now = run or shop.run
      if run_now and (run_now.ended or run_now.state ~= state) then return end
    until run_now and run_now._waiting
    act(run or shop.run, outcome)
  end)
end

local function performs()
  local list = {}
  for _, node in ipairs(flow.graph.nodes) do
    if node.verb == "perform" then
      list[node.title] = function(_, context)
        local run = shop.run
        if node.title == "quote" then
          return outcome_at(run, node.name) == "ok"
            and (outcome_at(run, "is_free", run.data.counts.quote) == "yes" and 0 or 1500) or nil
        end
        if outcome_at(run, run.state) ~= "ok" then return nil, "jam" end
        if flow.graph.by[run.state].args.delivers then note("deliver", context.key) end
        return true
      end
    end
  end
  return list
end

local function card()
  local declined = outcome_at(shop.run, "join") == "declined"
  return assert(pix.card { number = declined and given.cards["4001"] or given.cards.approved,
    cvv = "123", expiry = "12/2099", holder = "MARIA SILVA" })
end

-- ---- The process ----

local provider = crash.provider(given.provider, given.base_url, given.credentials)
shop = crash.open({ provider }, given.folder .. "/orders.db", function() end, "w")
local journal = assert(journals.open(given.folder .. "/runs.db", { worker = "w" }))
if not given.resume then deadly(journal) end

local options = {
  checkout = shop, perform = performs(), card = card, journal = journal,
  alert = function(message) note("alert", message) end,
  on_error = function(message) note("error", tostring(message)) end,
  on_step = function(step)
    shop.run = step.run
    arrive(step.run, step.to)
  end,
}

local function begin()
  arrive(nil, flow.graph.start, 1)
  options.id = "run"
  shop.run = assert(flow:run(given.input, options))
end

local function go_on()
  assert(shop:recover { sole = true })
  local row = journal:run_get "run"
  if not row then return begin() end
  if row.ended then return end
  arrive(nil, row.state, row.data.counts[row.state])
  options.journal, options.flows, options.sole = nil, { flow }, true
  shop.run = assert(pix.flow.resume(journal, options)).runs[1]
end

pix.run(function()
  if given.resume then go_on() else begin() end
  if shop.run then shop.run:wait() end
  local row = assert(journal:run_get "run")
  print(cjson.encode { state = row.state, ended = row.ended, counts = row.data.counts,
    trace = pix.flow.trace(journal, "run") })
end)
