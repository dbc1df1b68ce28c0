--- Which provider gets an order, and in which order the others follow. Pure: facts in, names out.
--
-- Facts: { operation, amount, reference, tax_id = "cpf"|"cnpj"|nil, turn = integer that grows,
-- chance = function(text) → 0 ≤ number < 1 (always the same for the same text), providers = {
-- { name, supports = { charge = true, … }, weight, fee = { percent, fixed }, latency, all, good,
-- open_for = seconds }, … in the program's order } }. Not every strategy looks at every fact.
local M = {}

local ENOUGH = 100 -- samples below which a success rate says nothing
local EXPLORE = 0.05 -- part of the orders that go to another than the best
local PARTS = 1000000 -- a fee's percentage is counted in ten-thousandths of a percent

local function names_of(list)
  local names = {}
  for i, provider in ipairs(list) do
    names[i] = provider.name
  end
  return names
end

local function copy(list)
  local new = {}
  for i = 1, #list do
    new[i] = list[i]
  end
  return new
end

-- Sorted by a number, the smallest first; equals keep their order.
local function sorted(list, key)
  local rows = {}
  for i, provider in ipairs(list) do
    rows[i] = { provider = provider, key = key(provider), place = i }
  end
  table.sort(rows, function(a, b)
    if a.key ~= b.key then return a.key < b.key end
    return a.place < b.place
  end)
  for i, row in ipairs(rows) do
    rows[i] = row.provider
  end
  return rows
end

-- ---- Fees, in whole numbers ----

--- What an order costs: the percentage rounded up to a centavo, and the fixed part.
-- @tparam table fee percent = 0.99, fixed = 10 (centavos)
-- @tparam integer amount centavos
-- @treturn integer centavos
function M.fee(fee, amount)
  local parts = math.floor((fee.percent or 0) * (PARTS / 100) + 0.5)
  local rest = (amount % PARTS) * parts
  local whole = (amount - amount % PARTS) / PARTS * parts
  return math.floor(whole + math.ceil(rest / PARTS) + (fee.fixed or 0))
end

-- ---- Strategies: (providers, facts) → providers in order, why the first is first ----

local STRATEGIES = {}
M.STRATEGIES = STRATEGIES

function STRATEGIES.failover(list)
  return list, "it is the first in the program's order"
end

function STRATEGIES.round_robin(list, facts)
  local turn, rotated = (facts.turn or 0) % #list, {}
  for i = 1, #list do
    rotated[i] = list[(i - 1 + turn) % #list + 1]
  end
  return rotated, "it is its turn"
end

-- Weighted rendezvous: each provider draws by the reference; a repetition draws the same, and a
-- provider that is left out moves nobody else's orders.
function STRATEGIES.weighted(list, facts)
  local order = sorted(list, function(provider)
    local weight = provider.weight or 1
    if weight == 0 then return math.huge end
    local draw = facts.chance(facts.reference .. "\n" .. provider.name)
    return -math.log(1 - draw) / weight
  end)
  return order, "the reference falls to it by the weights"
end

function STRATEGIES.fastest(list)
  local order = sorted(list, function(provider) return provider.latency or 0 end)
  local latency = order[1].latency
  if not latency then return order, "its latency is not known yet" end
  return order, ("its latency is the smallest, %.0f ms"):format(latency * 1000)
end

-- One more good and one more bad than counted, so that few samples are no certainty.
local function rate(provider)
  return ((provider.good or 0) + 1) / ((provider.all or 0) + 2)
end

function STRATEGIES.success_rate(list, facts)
  local samples = 0
  for _, provider in ipairs(list) do
    samples = samples + (provider.all or 0)
  end
  if samples < ENOUGH then
    return list, ("the program's order decides until there are %d samples (now %d)"):format(ENOUGH,
      samples)
  end
  local order = sorted(list, function(provider) return -rate(provider) end)
  local draw = facts.chance("explore\n" .. facts.reference)
  if #order > 1 and draw < EXPLORE then
    local place = 2 + math.floor(draw / EXPLORE * (#order - 1))
    table.insert(order, 1, table.remove(order, place))
    return order, "it is looked at again, as 1 order in 20 does"
  end
  return order, ("its success rate is the highest, %.1f %%"):format(rate(order[1]) * 100)
end

function STRATEGIES.cheapest(list, facts)
  local amount = facts.amount or 0
  local order = sorted(list, function(provider) return M.fee(provider.fee or {}, amount) end)
  return order, ("its fee is the lowest, %d centavos"):format(M.fee(order[1].fee or {}, amount))
end

-- ---- Rules ----

local function compare(limit, key)
  return function(value) return value ~= nil and key(value, limit) end
end

local AMOUNT = {
  over = function(value, limit) return value > limit end,
  under = function(value, limit) return value < limit end,
  at_least = function(value, limit) return value >= limit end,
  at_most = function(value, limit) return value <= limit end,
}
local OPERATIONS = { charge = true, subscribe = true }
local TAX_IDS = { cpf = true, cnpj = true, none = true }

local function amount_tests(condition, tests)
  if type(condition) ~= "table" or next(condition) == nil then
    return "amount must be a table: { over = 5000 }"
  end
  for name, limit in pairs(condition) do
    if not AMOUNT[name] then return "amount knows over, under, at_least, at_most" end
    if type(limit) ~= "number" or limit % 1 ~= 0 or limit < 0 then
      return "amount." .. name .. " must be whole centavos"
    end
    local test = compare(limit, AMOUNT[name])
    tests[#tests + 1] = function(facts) return test(facts.amount) end
  end
end

local CONDITIONS = { amount = amount_tests }

function CONDITIONS.operation(condition, tests)
  if not OPERATIONS[condition] then return 'operation must be "charge" or "subscribe"' end
  tests[#tests + 1] = function(facts) return facts.operation == condition end
end

function CONDITIONS.tax_id(condition, tests)
  if not TAX_IDS[condition] then return 'tax_id must be "cpf", "cnpj" or "none"' end
  tests[#tests + 1] = function(facts) return (facts.tax_id or "none") == condition end
end

local function check_use(use, known)
  if type(use) ~= "table" or #use == 0 then return "use must be a list of providers' names" end
  local seen = {}
  for _, name in ipairs(use) do
    if not known[name] then return "use names " .. tostring(name) .. ", which is not given" end
    if seen[name] then return "use names " .. name .. " twice" end
    seen[name] = true
  end
end

local function compile_rule(rule, known)
  if type(rule) ~= "table" then return nil, "a rule must be a table { when =, use = }" end
  for key in pairs(rule) do
    if key ~= "when" and key ~= "use" then return nil, "a rule has when and use, not "
      .. tostring(key) end
  end
  if type(rule.when) ~= "table" then return nil, "when must be a table of conditions" end
  local tests, wrong = {}, check_use(rule.use, known)
  for name, condition in pairs(rule.when) do
    if not CONDITIONS[name] then return nil, "there is no condition " .. tostring(name) end
    wrong = wrong or CONDITIONS[name](condition, tests)
  end
  if wrong then return nil, wrong end
  return { tests = tests, use = copy(rule.use) }
end

--- Checks rules and makes them ready.
-- @tparam table|nil rules { { when = { amount = { over = 5000 }, operation =, tax_id = },
--   use = { "ssg" } }, … }
-- @tparam table known set of the providers' names
-- @treturn table|nil what `choose` takes; nil and what is wrong
function M.rules(rules, known)
  local list = {}
  for i, rule in ipairs(rules or {}) do
    local compiled, wrong = compile_rule(rule, known)
    if not compiled then return nil, ("rules[%d]: %s"):format(i, wrong) end
    list[i] = compiled
  end
  return list
end

local function fits(rule, facts)
  for _, test in ipairs(rule.tests) do
    if not test(facts) then return false end
  end
  return true
end

-- The first rule that fits says who may be asked, and in which order strategies see them.
local function apply_rules(rules, facts, out)
  for number, rule in ipairs(rules or {}) do
    if fits(rule, facts) then
      local by_name, list = {}, {}
      for _, provider in ipairs(facts.providers) do
        by_name[provider.name] = provider
        out[provider.name] = ("rule %d does not use it"):format(number)
      end
      for i, name in ipairs(rule.use) do
        list[i], out[name] = by_name[name], nil
      end
      return list, number
    end
  end
  return facts.providers, nil
end

-- ---- Choosing ----

local function leave_out(list, facts, out)
  local left = {}
  for _, provider in ipairs(list) do
    if not provider.supports[facts.operation] then
      out[provider.name] = "it cannot " .. facts.operation
    elseif (provider.open_for or 0) > 0 then
      out[provider.name] = ("its breaker is open for %.0f s"):format(math.ceil(provider.open_for))
    else
      left[#left + 1] = provider
    end
  end
  return left
end

-- What a program's own function gave, as providers; names that cannot be used are passed over.
local function by_function(choose, list, facts)
  local names = choose(facts, names_of(list))
  if type(names) ~= "table" then
    error("pix.checkout: the function given as select must return a list of names, not "
      .. type(names), 0)
  end
  local by_name, order = {}, {}
  for _, provider in ipairs(list) do
    by_name[provider.name] = provider
  end
  for _, name in ipairs(names) do
    order[#order + 1] = by_name[name]
    by_name[name] = nil
  end
  return order, "the program's own function put it first", by_name
end

--- Chooses.
-- @tparam table facts see above
-- @param strategy a strategy's name, or a function(facts, names) → ordered names
-- @tparam[opt] table rules from M.rules
-- @treturn table { order = names, out = { name = reason }, why = text, rule = number or nil }
function M.choose(facts, strategy, rules)
  local out = {}
  local list, rule = apply_rules(rules, facts, out)
  list = leave_out(list, facts, out)
  if #list == 0 then return { order = {}, out = out, rule = rule, why = "nobody is left" } end
  local order, why, passed
  if type(strategy) == "function" then
    order, why, passed = by_function(strategy, list, facts)
    for name in pairs(passed) do
      out[name] = "the program's own function left it out"
    end
  else
    order, why = STRATEGIES[strategy](copy(list), facts)
  end
  return { order = names_of(order), out = out, rule = rule, why = why }
end

return M
