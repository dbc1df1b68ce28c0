--- A worker of crash/flow_workers_spec: begins orders of the coffee flow that nobody has begun, and
-- goes on with those whose worker has died, until all have ended - or it is killed. Its whole
-- configuration is one JSON text: journal, folder, worker, base_url, credentials, total, seed.
-- Order N costs 1000 + N centavos. Every fifth machine jams, every seventh customer cancels.
local cjson = require "cjson"
local core = require "pix.core"
local journals = require "pix.journal"
local pix = require "pix"
local crash = require "spec.crash.shop"

local given = cjson.decode(arg[1])
local LEASE, EVERY, FLIGHT = 1, 0.3, 8
local HOOK = 0.06 -- seconds until the provider's webhook tells of a payment
local BREW = 0.03

local draw = crash.generator(given.seed)
local shop = crash.open({ crash.provider("ssg", given.base_url, given.credentials) },
  given.journal, function() end, given.worker)
local journal = assert(journals.open(given.journal, { worker = given.worker }))
local flow = assert(pix.flow.load "examples/flows/coffee.flow.lua")

local function note(...)
  local file = assert(io.open(given.folder .. "/" .. given.worker .. ".events", "a"))
  file:write(table.concat({ ... }, " "), "\n")
  file:close()
end

local runs = {} -- id -> the run, while it is alive here

local function number_of(id)
  return tonumber(id:match "%d+$")
end

local function show(view, data)
  if view ~= "qr" then return end
  pix.spawn(function()
    local cancels = number_of(data.run) % 7 == 0
    pix.sleep(cancels and 0 or HOOK)
    if cancels and runs[data.run] then return runs[data.run]:signal "cancel" end
    shop:webhook { provider = "ssg", id = data.charge.id, key = core.random(8) }
  end)
end

local function brew(_, context)
  note("brew", context.key, context.attempt)
  pix.sleep(BREW)
  if number_of(context.run) % 5 == 0 then return nil, "jam" end
  note("brewed", context.key)
  return true
end

local function options_of()
  return { checkout = shop, ui = { show = show }, perform = { brew = brew }, lease = LEASE,
    alert = function(_, facts) note("alert", facts.run) end,
    on_error = function(message) note("error", (tostring(message):gsub("%s+", " "))) end }
end

-- The orders in an order of this worker's own.
local function shuffled()
  local list = {}
  for number = 1, given.total do table.insert(list, draw(#list + 1), number) end
  return list
end

local function begin_all()
  local list = shuffled()
  local function take()
    for number in function() return table.remove(list) end do
      local options = options_of()
      options.journal, options.id = journal, "order-" .. number
      local run, err = flow:run({ total = 1000 + number, order = options.id }, options)
      if run then
        runs[run.id] = run
        run:wait()
      else
        assert(err.code == "exists", tostring(err))
      end
    end
  end
  local tasks = {}
  for i = 1, FLIGHT do tasks[i] = pix.spawn(take) end
  pix.all(tasks)
end

local function all_ended()
  return #assert(journal:run_list { ended = true, n = given.total + 1 }) == given.total
end

pix.run(function()
  assert(shop:recover())
  local options = options_of()
  options.flows, options.every = { flow }, EVERY
  options.on_run = function(run)
    runs[run.id] = run
    note("took", run.id)
  end
  local worker = pix.flow.work(journal, options)
  begin_all()
  while not all_ended() do pix.sleep(EVERY) end
  worker:stop()
end)
shop:close()
journal:close()
print "done"
