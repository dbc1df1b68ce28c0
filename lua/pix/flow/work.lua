--- A worker: goes on, as long as the program lives, with every run whose own worker has died.
local hosts = require "pix.host"
local lease = require "pix.flow.lease"
local resume = require "pix.flow.resume"
local tasks = require "pix.tasks"

local M = {}

local Worker = {}
Worker.__index = Worker

local EVERY, MOST = 10, 1000
local LOOK = 1 -- seconds between two looks whether the host is about to end

local function complain(worker, err)
  local handler = worker._given.on_error
  if handler then return handler(err) end
  io.stderr:write("pix.flow.work: ", tostring(err), "\n")
end

-- What a former life of this worker's name left is free at once: its process is over.
local function round(worker)
  local given, journal = worker._given, worker._journal
  given.most = math.min(worker._most - lease.count(journal), worker._most)
  if given.most <= 0 then return end
  local result, err = resume.all(journal, given)
  if not result then return complain(worker, err) end
  given.own, given.sole = nil, nil
  if not worker._on_run then return end
  for _, run in ipairs(result.runs) do worker._on_run(run) end
end

local function ending()
  local host = hosts.current()
  return host.ending ~= nil and host.ending()
end

local function rest(worker)
  local seconds = worker._every
  local portion = hosts.current().ending and LOOK or seconds
  repeat
    if not tasks.sleep(portion) then return end
    seconds = seconds - portion
  until seconds <= 0 or worker._stopped or ending()
end

local function body(worker)
  while not (worker._stopped or ending()) do
    round(worker)
    if not worker._stopped then rest(worker) end
  end
end

--- Takes no more runs. Those that are alive go on.
function Worker:stop()
  self._stopped = true
  self._task:cancel()
end

local function number(given, name, default)
  local value = given[name]
  if value == nil then return default end
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    error(("pix.flow.work: %s must be a number above 0"):format(name), 4)
  end
  return value
end

--- Starts a worker, in a task of its own.
-- @tparam journal journal
-- @tparam table given as for pix.flow.resume, and every = seconds (10) between two looks for runs
--   that nobody holds; most = runs at once in this process (1000); on_run = function(run), called
--   with each that is gone on with
-- @treturn table a worker with `stop()`
function M.start(journal, given)
  resume.check_flows(given, "pix.flow.work")
  local rest_of = {}
  for key, value in pairs(given) do rest_of[key] = value end
  local worker = setmetatable({ _journal = journal, _given = rest_of, _stopped = false,
    _every = number(given, "every", EVERY), _most = number(given, "most", MOST),
    _on_run = given.on_run }, Worker)
  rest_of.every, rest_of.on_run, rest_of.own = nil, nil, true
  worker._task = tasks.detach(body, worker)
  return worker
end

return M
