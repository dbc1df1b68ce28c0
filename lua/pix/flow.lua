--- Checkout flows: a payment's way through a program, written as states, proved before it may touch
-- money, and run in any host.
--
--     local coffee = assert(pix.flow.load "coffee.flow.lua")
--     local run = assert(coffee:run({ total = "8.50", order = "17" }, { checkout = shop, … }))
--     print(run:wait())
--
-- The language, and what is proved, is docs/flow.md.
local draw = require "pix.flow.draw"
local load = require "pix.flow.load"
local memory = require "pix.flow.memory"
local options = require "pix.flow.options"
local resume = require "pix.flow.resume"
local rules = require "pix.flow.rules"
local runner = require "pix.flow.runner"
local trace = require "pix.flow.trace"
local work = require "pix.flow.work"

local M = {}

local Flow = {}
Flow.__index = Flow

--- Loads a flow and proves it.
-- @tparam string where a path, or the text of a flow
-- @treturn table|nil the flow: name, file, version, input, `run`, `draw`; nil and an error of kind
--   "invalid" whose `findings` are { file, line, state, rule, message, path, fix }
function M.load(where)
  if type(where) ~= "string" then
    error("pix.flow.load: a path or a text was expected, not " .. type(where), 2)
  end
  local loaded, err = load.load(where)
  if not loaded then return nil, err end
  loaded.name, loaded.file, loaded.input = loaded.graph.name, loaded.graph.file, loaded.graph.input
  return setmetatable(loaded, Flow)
end

--- Begins a run of the flow, in a task of its own.
-- @tparam table input what the flow's `input` names
-- @tparam table given checkout, ui = { show =, ask =, alert = }, perform = { name = function },
--   alert, card, journal, id, on_step, on_error, lease
-- @treturn table|nil the run: id, state, `wait`, `signal`, `answer`, `stop`; nil and an error
function Flow:run(input, given)
  local prepared, err = options.prepare(self.graph, given, "flow:run")
  if not prepared then return nil, err end
  local data
  data, err = options.input(self.graph, input)
  if not data then return nil, err end
  return runner.begin(self, data, prepared)
end

--- Draws the flow.
-- @tparam[opt="dot"] string format "dot" or "mermaid"
-- @treturn string
function Flow:draw(format)
  return draw.graph(self.graph, self.money, format or "dot")
end

function Flow:__tostring()
  return ("pix.flow %s (%s, version %s)"):format(self.name, self.file, self.version)
end

--- Goes on with the runs that a former process left in a journal. May yield.
-- @tparam journal journal
-- @tparam table given as for flow:run, and flows = { the flows that are known }, sole = true: no
--   other process uses this journal, own = true: none of this worker's name does
-- @treturn table|nil { runs = { run, … }, changed = { { id, flow, state, why }, … } }; nil, err
function M.resume(journal, given)
  return resume.all(journal, given)
end

--- Goes on, as long as the program lives, with runs whose own worker has died: several workers
-- share the runs of one journal.
-- @tparam journal journal
-- @tparam table given as for pix.flow.resume, and every = seconds (10), most = runs at once (1000),
--   on_run = function(run)
-- @treturn table a worker with `stop()`
function M.work(journal, given)
  return work.start(journal, given)
end

--- What happened to a run, in words, from a journal. May yield.
-- @treturn {string,…}|nil lines; nil and an error
function M.trace(journal, id)
  return trace.of(journal, id)
end

--- A journal of runs in memory.
M.memory = memory.new
--- A finding as text: file:line, message, path, fix.
M.render = rules.render

return M
