--- What each verb does when a run comes to it. An effect gets the run and the node, may yield, and
-- returns the outcome and what is to be noted of it; nil when the run was stopped.
--
-- Money rules: the state was journaled before the effect begins. A charge whose making may have
-- been cut off by a crash is asked for again only where the same reference gives the same charge;
-- elsewhere the outcome is `unknown`. A charge is left as closed only when the provider said so, or
-- when the shop goes on watching it; else the outcome is `unknown` too.
local tasks = require "pix.tasks"
local till = require "pix.flow.till"
local waiting = require "pix.waiting"

local M = {}

local PERFORM_TIMEOUT = 60
local LOOKS, PAUSE = 3, 2 -- tries of a cancel or a refund, and seconds between them
local ALERT_PAUSE = 5
local LONG = 86400

local CLOSED = { expired = "expired", cancelled = "cancelled", rejected = "failed",
  refunded = "cancelled" }

-- ---- Waiting, which a signal may cut short ----

local function signalled(run)
  local signal = run._signal
  run._signal = nil
  return signal
end

-- Runs f, which waits; run:signal may cancel that wait. Returns f's results.
local function interruptible(run, f, ...)
  run._waiting = true
  local value, err = f(...)
  run._waiting = false
  return value, err
end

-- Seconds until a moment; Run:hurry says that it is over.
local function left_until(run, moment)
  if run._hurried then return 0 end
  return moment and moment - run:now() or LONG
end

-- Sleeps until a moment, or without end; returns a signal that came, or nil.
local function sleep_until(run, moment)
  while not run._stopped do
    if run._signal then return signalled(run) end
    local left = left_until(run, moment)
    if left <= 0 then return nil end
    interruptible(run, tasks.sleep, math.min(left, LONG))
  end
end

-- ---- Charges ----

local function live(run, node_name)
  local charge = run._live[node_name]
  if charge then return charge end
  local record = run.data.charges[node_name]
  if not record then return nil end
  local revived, err
  repeat
    revived, err = run._till:revive(record)
    local passing = err and err.kind == "journal"
    if passing then
      run:complain(err)
      tasks.sleep(PAUSE)
    end
  until not passing or run._stopped
  run._live[node_name] = revived
  return revived, err
end

local function keep(run, node_name, charge)
  run._live[node_name] = charge
  run.data.charges[node_name].charge = till.saved(charge)
end

-- Does something to a charge that may be tried again after an error that passes. What another
-- worker is at, perhaps one that has died, is waited for: its lease ends.
local function try(run, charge, operation)
  local looks = 0
  while true do
    run:hold()
    local status, err = charge[operation](charge)
    if status or run._stopped then return status, err end
    if err.code ~= "busy" then looks = looks + 1 end
    if looks == LOOKS or (looks > 0 and not waiting.passing(err)) then return nil, err end
    tasks.sleep(PAUSE)
  end
end

-- Ends a charge that is not wanted any more. Returns `outcome`, or "paid", or "unknown".
local function close(run, charge, outcome)
  local status, err = try(run, charge, "cancel")
  if not CLOSED[status] and status ~= "paid" then
    status = try(run, charge, "refresh") or charge.status
  end
  if status == "paid" then return "paid" end
  if CLOSED[status] then return outcome end
  -- a checkout watches on, and tells of a late payment; nobody else would
  if run._till.watches and err and err.kind == "unsupported" then return outcome end
  return "unknown", { note = err and err.message }
end

-- Waits until a charge is paid or cannot be. Returns an outcome of the verb charge, or a signal.
local function await_payment(run, charge, deadline, at_deadline)
  while not run._stopped do
    if run._signal then
      local signal = signalled(run)
      local outcome, note = close(run, charge, signal)
      return outcome, note
    end
    local left = left_until(run, deadline)
    if left <= 0 then return at_deadline(charge) end
    local status, err = interruptible(run, charge.wait, charge, { timeout = math.min(left, LONG) })
    if status then return status == "paid" and "paid" or CLOSED[status] or "unknown" end
    if err.kind ~= "timeout" and err.kind ~= "cancelled" then
      return close(run, charge, "failed")
    end
  end
end

-- Another worker's request for the same charge may be under way, or was cut off by its end: that is
-- known when its lease in the checkout's journal is over.
local function ask(run, record)
  local charge, err
  repeat
    run:hold()
    charge, err = run._till:charge(record.ask)
    local busy = err and err.code == "busy"
    if busy then tasks.sleep(math.min(err.retry_after or PAUSE, PAUSE)) end
  until not busy or run._stopped
  return charge, err
end

local function make(run, node, record)
  local charge, err = ask(run, record)
  if not charge and run._stopped then return nil end
  if not charge then
    return nil, err.sent == "maybe" and "unknown" or "failed", { note = err.message }
  end
  keep(run, node.name, charge)
  record.expires_at = run:now() + record.expires
  if not run:note("made") then return nil end
  return charge
end

-- The charge of a state: the one that a former process made, or a new one.
local function obtain(run, node, record)
  if record.charge then
    local charge, err = live(run, node.name)
    if charge then return charge end
    return nil, "unknown", { note = err and err.message }
  end
  if run._resumed and not run._till.durable then
    return nil, "unknown", { note = "the program ended while the charge was being made" }
  end
  return make(run, node, record)
end

function M.charge(run, node)
  local record = run.data.charges[node.name]
  local charge, outcome, note = obtain(run, node, record)
  if not charge then return outcome, note end
  if node.args.wait == false then
    run:show(node, charge)
    return "made"
  end
  run:show(node, charge)
  outcome, note = await_payment(run, charge, record.expires_at, function()
    return close(run, charge, "expired")
  end)
  keep(run, node.name, charge)
  return outcome, note
end

local function subscription_outcome(err)
  if err.sent == "maybe" then return "unknown" end
  return err.kind == "declined" and "declined" or "failed"
end

function M.subscribe(run, node)
  local record = run.data.charges[node.name]
  run:show(node)
  if run._resumed then
    return "unknown", { note = "the program ended while the subscription was being made" }
  end
  local card = run:ask_host("card")
  if card == nil then return "failed", { note = "the host gave no card" } end
  run:hold()
  local made, err = run._till:subscribe(record.ask, card)
  if not made then return subscription_outcome(err), { note = err.message } end
  record.charge = { id = made.subscription_id or made.id, provider = made.provider,
    status = made.status, amount = made.amount }
  return "subscribed"
end

function M.cancel(run, node)
  run:show(node)
  local charge, err = live(run, node.args.of)
  if not charge then return "failed", { note = err and err.message } end
  local outcome, note = close(run, charge, "cancelled")
  keep(run, node.args.of, charge)
  return outcome == "unknown" and "failed" or outcome, note
end

function M.refund(run, node)
  run:show(node)
  local charge, err = live(run, node.args.of)
  if not charge then return "failed", { note = err and err.message } end
  local status
  if run._resumed then status = try(run, charge, "refresh") end
  if status ~= "refunded" then status, err = try(run, charge, "refund") end
  keep(run, node.args.of, charge)
  if status == "refunded" then return "refunded" end
  return "failed", { note = err and err.message }
end

-- ---- Waiting ----

local function wait_for_charge(run, node, deadline)
  local charge = live(run, node.args.of)
  if not charge then
    return sleep_until(run, deadline) or "timed_out"
  end
  local outcome, note
  while not run._stopped do
    if run._signal then return signalled(run) end
    local left = left_until(run, deadline)
    if left <= 0 then
      outcome = "timed_out"
      break
    end
    local status, err = interruptible(run, charge.wait, charge, { timeout = math.min(left, LONG) })
    if status then
      outcome = status == "paid" and "paid" or CLOSED[status] or "timed_out"
      break
    elseif err.kind ~= "timeout" and err.kind ~= "cancelled" then
      note = { note = err.message }
      tasks.sleep(PAUSE)
    end
  end
  keep(run, node.args.of, charge)
  return outcome, note
end

function M.wait(run, node)
  run:show(node, node.args.of and live(run, node.args.of))
  local time = run:value(node, node.args.time or node.args.timeout)
  local moment = time and run.data.since + time
  if node.args.of then return wait_for_charge(run, node, moment) end
  return sleep_until(run, moment) or (node.args.time and "next" or "timed_out")
end

function M.ask(run, node)
  run:show(node)
  run:ask_host_aside(node)
  local time = run:value(node, node.args.timeout)
  return sleep_until(run, time and run.data.since + time) or "timed_out"
end

-- ---- The host ----

local function attempt(run, node, args, context)
  local f = run._perform[node.title]
  local task = tasks.spawn(function()
    local ok, value, err = xpcall(function() return f(args, context) end, debug.traceback)
    if not ok then return nil, { raised = value } end
    return value or false, err
  end)
  local timeout = run:value(node, node.args.timeout) or PERFORM_TIMEOUT
  local value, err = task:await(timeout)
  if not task:done() then
    task:cancel()
    return nil, "timed_out"
  end
  if type(err) == "table" and err.raised then run:complain(err.raised) end
  if value then return value end
  local message = type(err) == "table" and (err.message or err.raised) or err
  return nil, "failed", message and tostring(message)
end

-- Tells a person, again and again until it gets through. false: the run was stopped.
local function tell(run, node, message)
  while not run._stopped do
    run:hold()
    local ok, err = run:tell_person(message, node)
    if ok then return true end
    run:complain(("the alert %q did not get through: %s"):format(message, tostring(err)))
    tasks.sleep(ALERT_PAUSE)
  end
  return false
end

-- Counts a further try and writes it down before it begins. false: there are no more.
local function count_try(run, node)
  if run.data.tries >= (node.args.attempts or 1) then return false end
  run.data.tries = run.data.tries + 1
  return run:note("again")
end

-- A delivery that the program's end cut off in its last attempt may have been made. The run goes on
-- as failed, for a customer without goods must get the money back; whether goods went with it, only
-- a person can find out.
local function doubt(run, node)
  local message = "cut off by the end of the program"
  if run._stopped or not node.args.delivers then return message end
  tell(run, node, ('%s: run %s was cut off in the last attempt of "%s", which may have been done; '
    .. "it goes on as failed"):format(run._graph.name, run.id, node.title))
  return message .. "; a person was told"
end

function M.perform(run, node)
  run:show(node)
  local outcome, message = "failed", nil
  local going = not run._resumed or count_try(run, node)
  if not going then message = doubt(run, node) end
  while going do
    local value
    run:hold()
    value, outcome, message = attempt(run, node, run:values(node, node.args.with), {
      attempt = run.data.tries, run = run.id, key = ("%s/%s/%d"):format(run.id, node.name,
        run.data.counts[node.name]) })
    if run._stopped then return nil end
    if value then
      if node.args.save then run:save(node, node.args.save, value) end
      return "ok"
    end
    tasks.sleep(1)
    going = count_try(run, node)
  end
  if run._stopped then return nil end
  if outcome == "timed_out" and run:has_edge(node, "timed_out") then return "timed_out" end
  if outcome == "timed_out" then message = "the time was over" end
  return "failed", message and { note = message }
end

function M.alert(run, node)
  run:show(node)
  local message = tostring(run:value(node, node.args.message))
  if tell(run, node, message) then return "next", { note = message } end
end

-- ---- Data ----

function M.set(run, node)
  for name, value in pairs(run:values(node, node.args.values)) do
    run:save(node, name, value)
  end
  return "next"
end

local FALSE = { [""] = true, no = true, ["false"] = true, ["0"] = true }

function M.choose(run, node)
  if node.args.when ~= nil then
    local value = run:value(node, node.args.when)
    local no = not value or FALSE[value]
    return no and "no" or "yes"
  end
  local case = tostring(run:value(node, node.args.value))
  return case ~= "otherwise" and run:has_edge(node, case) and case or "otherwise"
end

function M.enter(run, node)
  local given = {}
  for _, row in ipairs(node.args.input or {}) do
    given[row.name] = run:value(node, row.value)
  end
  run.data.scopes[node.part] = given
  return "next"
end

function M.leave(run, node)
  local outer = run:scope_of(node.part)
  outer[node.part:match "[^/]*$"] = run:values(node, node.args.result)
  return node.edges[1].outcome
end

--- Ends whatever may still be paid, for a run that cannot go on. May yield.
-- @treturn boolean was there money, or may there have been?
function M.give_up(run)
  local money = false
  for name, record in pairs(run.data.charges) do
    local charge = record.charge and live(run, name)
    if charge and charge.cancel then
      local outcome = charge.status == "paid" and "paid" or close(run, charge, "cancelled")
      keep(run, name, charge)
      money = money or outcome ~= "cancelled"
    elseif not record.charge then
      money = true
    end
  end
  return money
end

return M
