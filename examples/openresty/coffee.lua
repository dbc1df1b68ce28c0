--- A coffee machine behind nginx: each order is a run of ../flows/coffee.flow.lua, the same file as
-- in the kiosk. A run belongs to no request: it lives in the worker that took the order, and when
-- that one dies another goes on with it, by the journal that they share. Pages and customers meet
-- a run in shared memory, because a request may come to any worker.
local cjson = require "cjson.safe"
local journals = require "pix.journal"
local pix = require "pix"
local shop = require "shop"
local ngx = require "ngx"

local M = {}

local PRICE = 850 -- centavos
local LOOK = 0.25 -- seconds between two looks at what the customer says
local BREW = 0.5 -- seconds
local KEEP = 3600 -- seconds that an order's page is kept

local here = debug.getinfo(1, "S").source:match "^@(.*)/" or "."
local place = os.getenv "SHOP_JOURNAL" or here .. "/shop.db"
local flow = assert(pix.flow.load(here .. "/../flows/coffee.flow.lua"))

local checkout, journal -- of this worker
local runs = {} -- id -> the run, while it is alive here
local orders = ngx.shared.orders

-- ---- The run's side ----

-- Hands over what the customer says, as long as the run is alive here.
local function listen(id)
  local outcome, err
  repeat
    local run, word = runs[id], orders:get("say:" .. id)
    if run and word and (run:signal(word) or run:answer(word)) then orders:delete("say:" .. id) end
    if run then outcome, err = run:wait(LOOK) else pix.sleep(LOOK) end
  until outcome or err and err.kind ~= "timeout"
  runs[id] = nil
end

local heard = {} -- ids that `listen` is at

local function show(view, data)
  orders:set(data.run, cjson.encode { view = view, code = data.code, amount = data.amount,
    seconds = data.seconds, says = #data.answers > 0 and data.answers or data.signals }, KEEP)
  if heard[data.run] then return end
  heard[data.run] = true
  pix.spawn(function()
    listen(data.run)
    heard[data.run] = nil
  end)
end

local function brew()
  pix.sleep(BREW)
  if os.getenv "COFFEE_MACHINE" == "broken" then return nil, "out of water" end
  return true
end

local function host()
  return { checkout = checkout, ui = { show = show }, perform = { brew = brew },
    alert = function(message) ngx.log(ngx.ALERT, "attendant: ", message) end,
    on_error = function(message) ngx.log(ngx.ERR, tostring(message)) end }
end

local function begin(premature)
  if premature then return end
  checkout = assert(pix.checkout { shop.provider, journal = place })
  journal = assert(journals.open(place))
  assert(checkout:recover())
  shop.on_event = function(event) checkout:webhook(event) end
  local given = host()
  given.flows = { flow }
  given.on_run = function(run) runs[run.id] = run end
  pix.flow.work(journal, given)
end

--- In init_worker: this worker takes its share of the runs.
function M.start()
  assert(ngx.timer.at(0, begin))
end

-- ---- The customer's side ----

local function answer(status, value)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.say(type(value) == "string" and value or cjson.encode(value))
end

--- POST /coffee: an order.
function M.order()
  if ngx.req.get_method() ~= "POST" then return answer(405, { error = "POST only" }) end
  if not checkout then return answer(503, { error = "just starting" }) end
  local given, id = host(), ("%d-%s"):format(ngx.time(), ngx.var.request_id:sub(1, 8))
  given.journal, given.id = journal, id
  local run, err = flow:run({ total = PRICE, order = id }, given)
  if not run then
    ngx.log(ngx.ERR, tostring(err))
    return answer(502, { error = err.kind })
  end
  runs[id] = run
  answer(201, { order = id })
end

--- GET /coffee/ID: what its page shows now.
function M.view(id)
  local shown = orders:get(id)
  if not shown then return answer(404, { error = "there is no such order, or no code yet" }) end
  answer(200, shown)
end

--- POST /coffee/ID/cancel, /yes, /no: what the customer says.
function M.say(id, word)
  if ngx.req.get_method() ~= "POST" then return answer(405, { error = "POST only" }) end
  orders:set("say:" .. id, word, KEEP)
  answer(202, { said = word })
end

return M
