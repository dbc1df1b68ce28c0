--- What happened to one run, in words, from its journal.
local core = require "pix.core"

local M = {}

local OUTCOMES = {
  paid = "the customer paid", expired = "the charge expired unpaid",
  cancelled = "the charge was cancelled", failed = "it did not work",
  unknown = "it is not known what became of it", made = "the charge was made",
  refunded = "the money was given back", ok = "the host did it", timed_out = "the time was over",
  again = "another try began", left = "the flow had changed; a person was told",
  subscribed = "the subscription began",
  declined = "the card was declined", next = "on it went", yes = "the answer was yes",
  no = "the answer was no", defect = "the flow's code failed; a person was told",
  otherwise = "no case fitted", done = "the part ended well",
}

local function clock(at)
  return (core.date(math.floor(at)):gsub("T", " "))
end

local function step_line(step, from)
  local what = OUTCOMES[step.cause] or ("%s"):format(tostring(step.cause))
  local note = type(step.data) == "table" and step.data.note
  local line = step.state == from and ("%s  at %s %s"):format(clock(step.at), from, what)
    or ("%s  at %s %s → %s"):format(clock(step.at), from, what, step.state)
  if note then line = line .. ": " .. tostring(note):gsub("%c", " ") end
  return line
end

local function charge_line(name, record)
  local charge = record.charge
  if not charge then return ("  %s: asked for, and no answer is recorded"):format(name) end
  return ("  %s: %s, %s at %s, %s"):format(name, tostring(charge.id),
    charge.amount and core.format(charge.amount) or "no amount", tostring(charge.provider),
    tostring(charge.status))
end

--- The lines that tell a run.
-- @tparam table run as run_get gives it
function M.lines(run)
  local lines = { ("run %s of %s (version %s)"):format(run.id, run.flow, run.version),
    ("%s  began"):format(clock(run.created)) }
  local from = run.data and run.data.first or "the start"
  for _, step in ipairs(run.steps) do
    lines[#lines + 1] = step_line(step, from)
    from = step.state
  end
  lines[#lines + 1] = run.ended and ("ended at %s"):format(run.state)
    or ("stands at %s"):format(run.state)
  local names = {}
  for name in pairs(run.data and run.data.charges or {}) do names[#names + 1] = name end
  table.sort(names)
  if #names > 0 then lines[#lines + 1] = "money:" end
  for _, name in ipairs(names) do
    lines[#lines + 1] = charge_line(name, run.data.charges[name])
  end
  return lines
end

--- The same of a journal's run. May yield.
-- @treturn table|nil lines; nil and an error
function M.of(journal, id)
  local run, err = journal:run_get(id)
  if run then return M.lines(run) end
  return nil, err or core.error { kind = "not_found", sent = "no", operation = "flow",
    message = "the journal has no run " .. tostring(id), hint = "pix flow trace lists them" }
end

return M
