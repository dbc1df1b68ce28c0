--- The built-in scheduler: tasks are coroutines that wait for futures and for each other.
--
-- DESIGN: a task waits by registering itself with the pump and yielding. The drain that brings its
-- future puts it into `incoming`; one turn swaps `incoming` with the emptied `batch` and resumes
-- each task in it once. Both are arrays that live as long as the program: no table is made for a
-- wait, and a wait costs O(1). Invariants: a task is in the queues at most once (`_queued`);
-- `current` is the task that runs now, and only the scheduler resumes its coroutine.
--
-- Errors: what a task raises is a defect of the program, not a result. It never ends the other
-- tasks. Whoever awaits the task gets it raised; if nobody does, `report` and `run` see to it.
local core = require "pix.core"
local pump = require "pix.host.pump"

local M = { name = "scheduler" }

local Task = {}
Task.__index = Task
M.Task = Task

local WAIT = {} -- what our own yields carry, so that a stranger's yield is told from them
local ROUNDS_A_FRAME = 64

local unpack = table.unpack or unpack
local running = coroutine.running
local isyieldable = coroutine.isyieldable

local batch, count, at = {}, 0, 1
local incoming, arrived = {}, 0
local alive, live = {}, 0
local current -- the task that runs now
local looping = false -- inside run
local unseen -- the first failed task that nobody has awaited
local on_error -- the program's handler

--- Seconds that M.update may take where nothing else is said; nil = whatever there is to do. Set by
-- hosts that have frames.
M.frame_budget = nil

-- ---- Queues ----

function Task:wake()
  if self._queued then return end
  self._queued = true
  arrived = arrived + 1
  incoming[arrived] = self
end

local function report(task)
  if on_error then
    local ok, err = pcall(on_error, task._failure, task)
    if ok then return true end
    io.stderr:write("pix.on_error: the handler itself failed: ", tostring(err), "\n")
  end
  io.stderr:write("pix: a task failed: ", tostring(task._failure), "\n")
  return false
end

--- Tells of a failed task that nobody awaits: the program's handler, or stderr.
function M.unheard(task)
  task._seen = report(task)
end

-- Nobody waits for this task that has failed. The last one is not printed: run raises it at once.
local function leave_failed(task)
  if looping and (not unseen or unseen._seen) then unseen = task end
  if on_error or not looping or live > 0 then M.unheard(task) end
end

local function finish(task)
  task._ended, task._co, task._args, task._waits = true, nil, nil, nil
  alive[task] = nil
  live = live - 1
  local joined = pump.fire(task)
  if task._failure ~= nil and not (joined or task._expected) then leave_failed(task) end
end

local function fail(task, reason)
  if type(reason) == "string" then
    reason = debug.traceback(task._co, reason)
  elseif reason == nil then
    reason = debug.traceback(task._co, "error(nil)")
  end
  task._failure = reason
  finish(task)
end

local STRANGE_YIELD = "coroutine.yield in a pix task: only pix may suspend it; "
  .. "use pix.sleep(0) to let the others run, and no other scheduler's calls"

-- Takes what coroutine.resume returned.
local function settle(task, ok, first, ...)
  if ok and first == WAIT then return end
  if not ok then return fail(task, first) end
  if coroutine.status(task._co) ~= "dead" then return fail(task, STRANGE_YIELD) end
  task._count = select("#", ...) + 1
  task._results = { first, ... }
  finish(task)
end

local function resume(task)
  task._queued = false
  if task._ended then return end
  task._fresh = false
  local before, args = current, task._args
  current = task
  if args then
    task._args = nil
    settle(task, coroutine.resume(task._co, unpack(args, 1, args.n)))
  else
    settle(task, coroutine.resume(task._co))
  end
  current = before
end

--- Resumes once each task that is ready now. Called again from within (a private coroutine that
-- blocks on a task), or after its time was over, it goes on with the same batch.
-- @tparam[opt] function over is the time over? asked after each task
-- @treturn boolean whether there was anything to do
function M.work(over)
  if at > count then
    if arrived == 0 then return false end
    batch, incoming = incoming, batch
    count, arrived, at = arrived, 0, 1
  end
  while at <= count do
    local task = batch[at]
    batch[at] = false
    at = at + 1
    resume(task)
    if over and over() then break end
  end
  return true
end

-- One step of a wait outside every task.
local function step()
  if not M.work() then pump.idle() end
  pump.drain()
end

local function loop()
  while true do
    M.work()
    if live == 0 then return end
    if arrived == 0 then pump.idle() end
    pump.drain()
  end
end

-- ---- Tasks ----

local function cancelled(sent)
  return core.error {
    kind = "cancelled", sent = sent or "no", message = "the task was cancelled",
  }
end

local function check_function(f, name, level)
  if type(f) ~= "function" then
    error(name .. ": a function was expected, not " .. type(f), level + 1)
  end
end

--- Makes a task of a function; it begins at the scheduler's next turn.
function M.spawn(f, ...)
  check_function(f, "pix.spawn", 2)
  local n = select("#", ...)
  local task = setmetatable({
    _co = coroutine.create(f),
    _args = n > 0 and { n = n, ... } or nil,
    _fresh = true, _queued = false, _ended = false, _asked = false,
    _seen = false, _expected = false,
  }, Task)
  alive[task] = true
  live = live + 1
  task:wake()
  return task
end

--- Has the task ended?
function Task:ready()
  return self._ended
end

Task.done = Task.ready

--- What the function returned. Raises what it raised. nil, err if it was cancelled before it began.
function Task:result()
  if not self._ended then error("task:result: the task has not ended; await it", 2) end
  self._seen = true
  if self._failure ~= nil then error(self._failure, 0) end
  return unpack(self._results, 1, self._count)
end

function Task.what()
  return "task"
end

-- A task that never ran has nothing to clean up.
local function cancel_unborn(task)
  task._results, task._count = { nil, cancelled() }, 2
  finish(task)
end

--- Asks the task to end: the wait it is in, or its next one, gives nil and an error of kind
-- "cancelled", once; it may then clean up, and wait while doing so. A call that only this task
-- waits for is cancelled itself, and its error says whether anything was sent.
function Task:cancel()
  if self._ended or self._asked then return end
  if self._fresh then return cancel_unborn(self) end
  self._asked = true
  local subject = self._waits
  if not subject then return end
  if type(subject) == "userdata" and pump.alone(subject, self) then
    subject:cancel()
  else
    self:wake()
  end
end

function Task:__tostring()
  local state = self._ended and "ended" or self == current and "running" or "waiting"
  return "pix.task (" .. state .. ")"
end

-- ---- Waiting inside a task ----

--- What is said where the running code cannot be suspended.
M.VETO = "pix: cannot wait here: this call comes through a C function that Lua cannot suspend "
  .. "(a callback of table.sort or string.gsub, a module being loaded by require, a metamethod). "
  .. "Collect what is needed there, and wait after it has returned"

--- Does the running code belong to a task of this scheduler? Raises where it does and yet cannot
-- be suspended.
function M.active()
  if not current or running() ~= current._co then return false end
  if isyieldable and not isyieldable() then error(M.VETO, 0) end
  return true
end

--- The error with which a cancelled task must not begin anything new; nil if it may.
function M.refuse()
  if not current._asked then return nil end
  current._asked = false
  return cancelled()
end

local function suspend(task, subject)
  task._waits = subject
  coroutine.yield(WAIT)
  task._waits = nil
end

-- A cancellation has been delivered when this wait ends because of it, and not otherwise.
local function note_cancelled(task, future)
  local _, err = future:result()
  if core.is_error(err) and err.kind == "cancelled" then task._asked = false end
end

-- What was waited for may have been sent long ago.
local function take_cancellation(task)
  task._asked = false
  return cancelled("maybe")
end

--- Suspends the running task until the future is ready: true; false when `seconds` are over; nil
-- and an error when the task is cancelled. May yield.
function M.await(future, seconds)
  if seconds then return M.await_any({ future }, seconds) end
  if future:ready() then return true end
  local task = current
  if task._asked then
    local err = take_cancellation(task)
    if type(future) ~= "userdata" or pump.watched(future) then return nil, err end
    future:cancel()
  end
  pump.watch(future, task)
  suspend(task, future)
  if not task._asked then return true end
  if future:ready() then
    if type(future) == "userdata" then note_cancelled(task, future) end
    return true
  end
  pump.unwatch(future, task)
  return nil, take_cancellation(task)
end

--- The same for the first of several.
function M.await_any(list, seconds)
  local task = current
  if pump.any_ready(list) then return true end
  if task._asked then return nil, take_cancellation(task) end
  local timer = seconds and core.timer(seconds)
  for i = 1, #list do
    pump.watch(list[i], task)
  end
  if timer then pump.watch(timer, task) end
  suspend(task, list)
  for i = 1, #list do
    pump.unwatch(list[i], task)
  end
  if timer then
    pump.unwatch(timer, task)
    timer:cancel()
  end
  if pump.any_ready(list) then return true end
  if task._asked then return nil, take_cancellation(task) end
  return false
end

-- ---- Waiting outside tasks, driving ----

--- How a blocking wait goes on between two looks: outside tasks everything runs; in a private
-- coroutine inside a task only the reactor does (nil), unless it waits for other tasks.
function M.step_for(list)
  if not current then return step end
  for i = 1, #list do
    if getmetatable(list[i]) == Task then return step end
  end
  return nil
end

--- The task that runs now, or nil.
function M.current()
  return current
end

local function give_up(task)
  local subject = task._waits
  if type(subject) == "userdata" then
    subject:cancel()
    pump.unwatch(subject, task)
  end
  task._results, task._count = { nil, cancelled("maybe") }, 2
  task._failure, task._seen = nil, true
  task._ended = true
end

-- The loop was left by force (Ctrl-C, a test's complaint): its tasks will never be resumed.
local function abandon()
  for task in pairs(alive) do
    give_up(task)
    alive[task] = nil
  end
  live, arrived, count, at, current = 0, 0, 0, 1, nil
end

--- Drops every task without resuming it, and the handler of errors; for the end of a test.
function M.reset()
  abandon()
  on_error = nil
end

--- Runs f as a task, and every task there is, until all have ended. Returns what f returned.
function M.run(f, ...)
  check_function(f, "pix.run", 2)
  if current or looping then
    error("pix.run inside a task: call the function itself, or start it with pix.spawn", 2)
  end
  local main = M.spawn(f, ...)
  looping, unseen = true, nil
  local ok, err = pcall(loop)
  looping = false
  if not ok then
    abandon()
    error(err, 0)
  end
  local failed = unseen
  unseen = nil
  if main._failure == nil and failed and not failed._seen then error(failed._failure, 0) end
  return main:result()
end

-- What one more step is likely to take - a task's, an answer's - is learnt from those before: quick
-- to rise and slow to fall, so that the budget is kept rather than filled. A frame's first step is
-- no measure: the frame has filled the processor's caches with other things.
local TASK, ANSWER = 1, 2
local SLOW = 1 / 16
local likely = { 0.00002, 0.00002 } -- seconds
local reactor, deadline, looked, step_kind, first -- of the running update_within

-- Would a step of this kind end after the deadline?
local function overruns(kind)
  return looked + likely[kind] >= deadline
end

-- Asked after each step: learns from it, and tells whether another one would overrun.
local function over()
  local now = reactor:now()
  local took = now - looked
  looked = now
  if first then
    first = false
  elseif took > likely[step_kind] then
    likely[step_kind] = took
  else
    likely[step_kind] = likely[step_kind] + (took - likely[step_kind]) * SLOW
  end
  return overruns(step_kind)
end

-- Tasks that were left by the call before come first; so answers are not decoded faster than the
-- tasks can take them. One step is always taken, or a small budget would never get anything done.
local function update_within(budget)
  reactor, first, step_kind = core.reactor(), true, TASK
  looked = reactor:now()
  deadline = looked + budget
  while M.work(over) do
    if overruns(TASK) then return end
  end
  if not first and overruns(ANSWER) then return end
  step_kind = ANSWER
  pump.poll(over)
  step_kind = TASK
  while not overruns(TASK) and M.work(over) do end
end

local function update_all()
  pump.poll()
  local rounds = 0
  while rounds < ROUNDS_A_FRAME and M.work() do
    rounds = rounds + 1
  end
end

local function check_seconds(value, name)
  if value ~= nil and (type(value) ~= "number" or value ~= value or value < 0) then
    error(("pix.update: %s must be seconds, a number ≥ 0, not %s"):format(name, tostring(value)), 3)
  end
end

--- Does what can be done now; for a loop that has other work (a frame of a game).
-- @tparam[opt=0] number seconds wait so long for something to do
-- @tparam[opt] number budget seconds after which the work is left for the next call (in LÖVE
--   0.00005, elsewhere none); one answer or one task at least is taken on
-- @treturn integer tasks that have not ended
function M.update(seconds, budget)
  check_seconds(seconds, "the time to wait")
  check_seconds(budget, "the budget")
  if current or looping then
    error("pix.update inside a task: it drives the tasks, call it from the program's own loop", 2)
  end
  local idle = arrived == 0 and at > count
  if idle and seconds and seconds > 0 then pump.wait(seconds) end
  budget = budget or M.frame_budget
  if not budget then
    update_all()
  elseif not (idle and pump.quiet()) then
    update_within(budget)
  end
  return live
end

--- Who hears of errors in tasks that nobody awaits; nil = they are written to stderr.
function M.on_error(handler)
  if handler ~= nil then check_function(handler, "pix.on_error", 2) end
  on_error = handler
end

--- The tasks that have not ended, each with what it waits for and where; for messages.
-- @treturn {string,…}
function M.describe()
  local lines = {}
  for task in pairs(alive) do
    lines[#lines + 1] = M.describe_task(task)
  end
  table.sort(lines)
  return lines
end

local function describe_subject(subject)
  if subject == nil then return "has not begun" end
  if type(subject) == "table" and not subject.what then return "waits for one of several" end
  local kind, operation = subject:what()
  return "waits for " .. kind .. (operation and " " .. operation or "")
end

--- One line about a task: what it waits for, and the first line of the program's own that does.
function M.describe_task(task)
  local where = ""
  for level = 0, 20 do
    local info = task._co and debug.getinfo(task._co, level, "Sl")
    if not info then break end
    if info.what ~= "C" and not info.short_src:find("lua/pix", 1, true) then
      where = " at " .. info.short_src .. ":" .. info.currentline
      break
    end
  end
  return describe_subject(task._waits) .. where
end

return M
