--- The runner is killed at each transition of each example flow, before and after it is written
-- down, and another process goes on; then the sandbox's ledger is held against what was delivered,
-- refunded, or told to a person.
local cjson = require "cjson"
local live = require "spec.support.live"
local pix = require "pix"
local program = require "spec.support.program"
local walk = require "pix.flow.walk"

local SLOTS = 6 -- processes at the same time, each with a sandbox of its own
local EVERY = os.getenv "VALGRIND" and 8 or 1 -- of the points where one is killed

local FLOWS = {
  coffee = { provider = "ssg", input = { total = 850, order = "17" } },
  game_shop = { provider = "ssg",
    input = { price = 1990, item = "sword", player = "ana", order = "18" } },
  parking_exit = { provider = "ssg", input = { ticket = "T1" } },
  subscription_trial = { provider = "payzu", input = { plan = "PLAN123", name = "Maria da Silva",
    tax_id = "529.982.247-25", email = "maria@example.com", phone = "(11) 98765-4321",
    order = "19" } },
}

-- ---- Where it is killed ----

local function key_of(path, last)
  local words = {}
  for i = 1, last do words[i] = path[i].state .. ">" .. path[i].outcome end
  return table.concat(words, " ")
end

-- The shortest path over each transition, and on it each transition that no other path has shown.
local function paths_over_all(graph)
  local list, seen = {}, {}
  for _, path in ipairs((walk.paths(graph, 2, 2000))) do
    local fresh = false
    for _, step in ipairs(path) do
      local edge = step.state .. ">" .. step.outcome
      fresh, seen[edge] = fresh or not seen[edge], true
    end
    if fresh then list[#list + 1] = path end
  end
  for _, node in ipairs(graph.nodes) do
    for _, edge in ipairs(node.edges) do
      assert(seen[node.name .. ">" .. edge.outcome], node.name .. ">" .. edge.outcome)
    end
  end
  return list
end

-- ---- Children ----

local function start(case, slot, more)
  local given = {
    flow = "examples/flows/" .. case.name .. ".flow.lua", input = case.input,
    provider = case.provider, credentials = slot.credentials[case.provider],
    base_url = slot.url[case.provider], cards = slot.cards, folder = case.folder,
    control = ("http://127.0.0.1:%d/_sandbox"):format(slot.port), script = case.script,
  }
  for name, value in pairs(more) do given[name] = value end
  return assert(io.popen(("exec %s spec/crash/flow_child.lua %s 2>&1"):format(
    program.interpreter(), program.quote(cjson.encode(given)))))
end

-- What it printed; nil when it was killed, as it was to be.
local function finish(pipe, case)
  local output = pipe:read "*a"
  pipe:close()
  if output == "" then return nil end
  local ok, report = pcall(cjson.decode, output)
  assert(ok and report.ended, case.words .. "\n" .. output)
  return report
end

local function together(slots, cases, more_of)
  local pipes, reports = {}, {}
  for i, case in ipairs(cases) do pipes[i] = start(case, slots[i], more_of(case)) end
  for i, case in ipairs(cases) do reports[i] = finish(pipes[i], case) or false end
  return reports
end

-- ---- What is judged ----

local function events_of(case)
  local found = { alerts = 0, delivered = 0, keys = {} }
  local file = io.open(case.folder .. "/events")
  if not file then return found end
  for line in file:lines() do
    local what, rest = line:match "^(%S+) (.*)$"
    if what == "alert" then found.alerts = found.alerts + 1 end
    if what == "deliver" and not found.keys[rest] then
      found.keys[rest], found.delivered = true, found.delivered + 1
    end
    assert(what ~= "error", case.words .. ": " .. tostring(rest))
  end
  file:close()
  return found
end

local function judge(case, report, ledger)
  local events, kept, visits = events_of(case), #ledger.subscriptions, 0
  local words = ("%s: %s\n%s\n%s"):format(case.words, report.state,
    table.concat(report.trace, "\n"), cjson.encode(ledger.charges))
  for _, charge in ipairs(ledger.charges) do
    if charge.status == "paid" then kept = kept + 1 end
    assert.is_true(charge.status ~= "pending" or events.alerts > 0, "still payable: " .. words)
  end
  for name, count in pairs(report.counts) do
    if name == "pay" or name == "join" then visits = visits + count end
  end
  assert.is_true(kept <= events.delivered or events.alerts > 0, "money was kept: " .. words)
  assert.is_true(events.delivered <= kept, "delivered for nothing: " .. words)
  assert.is_true(#ledger.charges + #ledger.subscriptions <= visits, "made twice: " .. words)
end

describe("a process that is killed at any transition of the flow", function()
  local slots

  setup(function()
    slots = {}
    for i = 1, SLOTS do slots[i] = live.start() end
  end)

  teardown(function()
    for _, slot in ipairs(slots) do slot.stop() end
  end)

  local function clean(cases)
    for i, case in ipairs(cases) do
      slots[i].reset()
      case.folder = program.folder()
    end
  end

  local function sweep(cases)
    for _, case in ipairs(cases) do program.remove(case.folder) end
  end

  -- One batch of kills and resumptions.
  local function play(cases)
    clean(cases)
    local first = together(slots, cases, function(case)
      return { write = case.write, after = case.after }
    end)
    local second = together(slots, cases, function() return { resume = true } end)
    for i, case in ipairs(cases) do
      assert.is_false(first[i], "not killed: " .. case.words)
      judge(case, second[i], slots[i].ledger())
    end
    sweep(cases)
  end

  local function case_of(name, path, write, after)
    return { name = name, provider = FLOWS[name].provider, input = FLOWS[name].input,
      script = walk.script(path), write = write, after = after,
      words = ("%s, %s, write %d%s"):format(name, key_of(path, #path), write,
        after and " done" or "") }
  end

  -- Paths that begin alike are killed at what they share only once. A path has a write for its
  -- beginning, one for each transition, and some within a state (a charge was made, another try).
  local function cases_of(name)
    local graph = assert(pix.flow.load("examples/flows/" .. name .. ".flow.lua")).graph
    local cases, seen = {}, {}
    for _, path in ipairs(paths_over_all(graph)) do
      local writes, last = { key_of(path, 0) }, 0
      for i, step in ipairs(path) do
        local verb = graph.by[step.state].verb
        local within = verb == "charge" and step.outcome ~= "failed" and step.outcome ~= "unknown"
          and 1 or verb == "perform" and step.outcome == "failed"
          and (graph.by[step.state].args.attempts or 1) - 1 or 0
        for n = 1, within do writes[#writes + 1] = key_of(path, last) .. " within " .. n end
        last = i
        writes[#writes + 1] = key_of(path, last)
      end
      for write, key in ipairs(writes) do
        if not seen[key] then
          seen[key] = true
          cases[#cases + 1] = case_of(name, path, write, false)
          cases[#cases + 1] = case_of(name, path, write, true)
        end
      end
    end
    return cases
  end

  for name in pairs(FLOWS) do
    it(name .. " keeps no money without delivery, refund or alert", function()
      local cases = cases_of(name)
      local batch, kills = {}, 0
      for i = 1, #cases, EVERY do
        batch[#batch + 1], kills = cases[i], kills + 1
        if #batch == SLOTS or i + EVERY > #cases then
          play(batch)
          batch = {}
        end
      end
      if os.getenv "CRASH_REFERENCES" then
        io.write((" %s: %d kills\n"):format(name, kills))
      end
    end)
  end
end)
