--- What a program says about waiting: spawn, await, sleep, all, any. They wait as their host waits.
--
-- A *subject* is a future or a task. Failures that a provider or the network causes are values
-- (nil, err); what a task's function raises is a defect and is raised again where it is awaited.
local core = require "pix.core"
local hosts = require "pix.host"
local charges = require "pix.charge"

local Task = hosts.scheduler.Task

local M = {}

local unpack = table.unpack or unpack
local LONGEST_TIMEOUT = 86400
local LONGEST_SLEEP = 10 * 365 * 86400

local function check_seconds(value, name, most, level)
  if type(value) ~= "number" or not (value >= 0 and value <= most) then
    error(("%s: seconds were expected, a number from 0 to %g, not %s"):format(name, most,
      tostring(value)), level + 1)
  end
end

local function check_timeout(value, name)
  if value ~= nil then check_seconds(value, name, LONGEST_TIMEOUT, 3) end
end

-- The core's objects hide their metatable behind "pix".
local function is_subject(value)
  if type(value) == "userdata" then
    return getmetatable(value) == "pix" and value.ready ~= nil and value.result ~= nil
  end
  return type(value) == "table" and type(value.ready) == "function"
    and type(value.result) == "function"
end

local FOREIGN = " (what another thread sent? futures, providers and cards belong to the Lua state "
  .. "that made them: make the provider there, and hand over charges as plain tables)"

local function check_subject(value, name, level)
  if not is_subject(value) then
    error(("%s: a future or a task was expected, not %s%s"):format(name, type(value),
      type(value) == "userdata" and FOREIGN or ""), level + 1)
  end
end

-- ---- Tasks of hosts other than our scheduler ----

local Guest = {}
Guest.__index = Guest

function Guest:ready()
  return self._ended
end

Guest.done = Guest.ready

function Guest:result()
  if not self._ended then error("task:result: the task has not ended; await it", 2) end
  if self._failure ~= nil then error(self._failure, 0) end
  return unpack(self._results, 1, self._results.n)
end

function Guest.what()
  return "task"
end

--- As the scheduler's: the wait it is in, or its next one, ends with kind "cancelled".
function Guest:cancel()
  if self._ended then return end
  self._asked = true
  local future = self._waits
  if future then future:cancel() end
end

-- What another host waits for instead of a task: a promise for each wait, because whoever waits may
-- be cancelled and give his promise up.
local function future_of(task)
  local promise = core.promise()
  if task:ready() then
    promise:fulfil(true)
  else
    hosts.pump.watch(task, { wake = function() pcall(promise.fulfil, promise, true) end })
  end
  return promise
end

Guest.future = future_of
Task.future = future_of

local function keep(task, ok, ...)
  if ok then
    task._results = { n = select("#", ...), ... }
  else
    task._failure = (...)
  end
end

local function guest_body(task, f, args)
  if task._asked then
    local err = core.error { kind = "cancelled", sent = "no", message = "the task was cancelled" }
    keep(task, true, nil, err)
  else
    hosts.admit(task)
    keep(task, xpcall(function() return f(unpack(args, 1, args.n)) end, debug.traceback))
  end
  task._ended = true
  local joined = hosts.pump.fire(task)
  if task._failure ~= nil and not (joined or task._expected) then hosts.scheduler.unheard(task) end
end

local function spawn_guest(host, f, ...)
  local task = setmetatable({ _ended = false, _asked = false, _expected = false }, Guest)
  local args = { n = select("#", ...), ... }
  host.spawn(function() guest_body(task, f, args) end)
  return task
end

--- Starts a task. Inside pix.run, or inside another task, it begins at once after the present one
-- waits; before, it begins with pix.run, pix.update, or the next blocking wait.
-- @tparam function f
-- @param ... its arguments
-- @treturn task with `await(timeout)`, `cancel()`, `done()`, `result()`
function M.spawn(f, ...)
  if type(f) ~= "function" then
    error("pix.spawn: a function was expected, not " .. type(f), 2)
  end
  local host, scheduler = hosts.spawning(), hosts.scheduler
  if host == hosts.blocking or host.spawn == scheduler.spawn then return scheduler.spawn(f, ...) end
  if host.spawn then return spawn_guest(host, f, ...) end
  error("pix.spawn: the host " .. tostring(host.name) .. " has no spawn; start a coroutine in its "
    .. "own way and call pix there", 2)
end

--- Starts a task that whoever starts it may be survived by: where a host binds its tasks to
-- something short, as OpenResty to a request, this one is bound to the process. For the rest of the
-- library.
function M.detach(f, ...)
  local host = hosts.spawning()
  if not host.detach then return M.spawn(f, ...) end
  return spawn_guest({ spawn = host.detach }, f, ...)
end

-- ---- Waiting ----

local function timed_out(subject, seconds)
  local kind, operation = subject:what()
  local name = operation and kind .. " " .. operation or kind
  return core.error {
    kind = "timeout", sent = kind == "timer" and "no" or "maybe",
    message = ("the %s was not ready after %g s"):format(name, seconds),
    hint = "it goes on: await it again, or cancel it",
  }
end

-- Results of a charge become charge objects, however they were waited for.
local function take(subject, ...)
  if type((...)) == "table" then return charges.receive(subject, ...) end
  return ...
end

local function collect(subject)
  return take(subject, subject:result())
end

local function expect(subject, yes)
  local class = getmetatable(subject)
  if class == Task or class == Guest then subject._expected = yes end
end

local function await(subject, seconds)
  if subject == hosts.scheduler.current() then
    error("pix.await: a task cannot wait for itself", 3)
  end
  if not subject:ready() then
    expect(subject, true)
    local ready, err = hosts.await(hosts.current(), subject, seconds)
    if not ready then
      expect(subject, false)
      return nil, err or timed_out(subject, seconds)
    end
  end
  return collect(subject)
end

--- Waits for a future or a task. May yield.
-- @param subject
-- @tparam[opt] number timeout seconds; afterwards nil and an error of kind "timeout", while the
--   subject itself goes on
-- @return the result, or nil and an error; what a task returned. Raises what a task raised.
function M.await(subject, timeout)
  check_subject(subject, "pix.await", 2)
  check_timeout(timeout, "pix.await")
  return await(subject, timeout)
end

Task.await = M.await
Guest.await = M.await

--- Waits some seconds. May yield.
-- @tparam number seconds 0 lets the other tasks run
-- @treturn true or nil and an error of kind "cancelled": `while pix.sleep(1) do … end` ends then
function M.sleep(seconds)
  check_seconds(seconds, "pix.sleep", LONGEST_SLEEP, 2)
  return hosts.sleep(seconds)
end

-- Functions become tasks of ours; the second result tells which.
local function subjects(list, name)
  if type(list) ~= "table" then
    error(name .. ": a list of futures, tasks and functions was expected, not " .. type(list), 3)
  end
  for i = 1, #list do
    if type(list[i]) ~= "function" then check_subject(list[i], name .. " [" .. i .. "]", 3) end
  end
  local out, ours = {}, {}
  for i = 1, #list do
    ours[i] = type(list[i]) == "function"
    out[i] = ours[i] and M.spawn(list[i]) or list[i]
    expect(out[i], true)
  end
  return out, ours
end

-- Seconds that are left of a timeout, for waits one after the other.
local function countdown(timeout)
  if not timeout then return function() end end
  local reactor = core.reactor()
  local deadline = reactor:now() + timeout
  return function() return math.max(0, deadline - reactor:now()) end
end

local function drop_unfinished(waited, ours)
  for i = 1, #waited do
    expect(waited[i], false)
    if ours[i] and not waited[i]:ready() then waited[i]:cancel() end
  end
end

-- Puts what one of them brought into its place. Returns what a task raised, boxed.
local function place_result(outcome, i, subject)
  local ok, value, err = pcall(collect, subject)
  if not ok then return { value } end
  if value == nil and err ~= nil then
    outcome.errors = outcome.errors or {}
    outcome.errors[i] = err
  else
    outcome.results[i] = value
  end
end

local function gather(waited, ours, timeout)
  local outcome, left, defect = { results = { n = #waited } }, countdown(timeout), nil
  for i = 1, #waited do
    local subject = waited[i]
    local ready, err = subject:ready(), nil
    if not ready then ready, err = hosts.await(hosts.current(), subject, left()) end
    if ready then
      defect = place_result(outcome, i, subject) or defect
    elseif err then
      drop_unfinished(waited, ours)
      return nil, err
    else
      outcome.errors = outcome.errors or {}
      outcome.errors[i] = timed_out(subject, timeout)
      expect(subject, false)
    end
  end
  if defect then error(defect[1], 0) end
  return outcome.results, outcome.errors
end

--- Waits for all of them. May yield.
-- @tparam table list futures, tasks and functions (which are started as tasks)
-- @tparam[opt] number timeout seconds for all together
-- @treturn table|nil the results, each at its place (`n` of them), nil where there was an error
-- @treturn table|nil the errors, each at its place; nil when there was none. What a task raised is
--   raised again, after all have ended. If the waiting task itself is cancelled: nil and that error
function M.all(list, timeout)
  check_timeout(timeout, "pix.all")
  local waited, ours = subjects(list, "pix.all")
  return gather(waited, ours, timeout)
end

-- Takes what has ended off the list of those still running. Returns the place of a success, or nil
-- and the first failure.
local function harvest(open, at)
  local failure
  for i = #open, 1, -1 do
    if open[i]:ready() then
      local subject = table.remove(open, i)
      local place = table.remove(at, i)
      local value, err = collect(subject)
      if value ~= nil or err == nil then return place, value end
      failure = err
    end
  end
  return nil, failure
end

local function first_success(waited, timeout)
  local open, at, left, failure = {}, {}, countdown(timeout), nil
  for i = 1, #waited do
    open[i], at[i] = waited[i], i
  end
  while #open > 0 do
    local ready, err = hosts.await_any(hosts.current(), open, left())
    if not ready then return nil, nil, err or timed_out(open[1], timeout) end
    local place, value = harvest(open, at)
    if place then return place, value end
    failure = value or failure
  end
  return nil, nil, failure
end

--- Waits for the first that succeeds; failures are passed over while others still run. May yield.
-- Functions given here are cancelled when another one was first; futures and tasks, being somebody
-- else's, go on.
-- @tparam table list futures, tasks and functions
-- @tparam[opt] number timeout seconds
-- @return the value and its place in the list; or nil and the last failure
function M.any(list, timeout)
  check_timeout(timeout, "pix.any")
  local waited, ours = subjects(list, "pix.any")
  if #waited == 0 then error("pix.any: the list is empty", 2) end
  local ok, place, value, err = pcall(first_success, waited, timeout)
  drop_unfinished(waited, ours)
  if not ok then error(place, 0) end
  if not place then return nil, err end
  return value, place
end

return M
