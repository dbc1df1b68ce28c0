--- The rules that a flow must keep, in words: what is wrong, and what to do about it.
local M = {}

-- Each: what is wrong, the fix, whether it is about money. {state}, {charge} and so on are put in.
local RULES = {
  unreachable = { "no path leads to the state {state}",
    "lead an outcome to it, or remove it" },
  no_end = { "from {state} no end can be reached",
    "let an outcome lead to a done {…} or a fail {…}" },
  spinning = { "this loop goes round without ever waiting",
    "put an ask {…} or a wait { time = \"5s\", … } into it" },
  subscription_loop = { "{state} may subscribe again and again without being asked to",
    "put an ask {…} on the way back to {state}, so that the customer decides", true },
  left_open = { "the flow ends at {state} while {charge} may still be paid",
    "cancel it on the way: cancel { of = \"{charge}\", … }", true },
  left_unsure = { "the flow ends at {state} although {charge} may have been paid, and nobody looks",
    "hand it to a person on the way: alert { message = …, next = … }", true },
  kept = { "the flow ends at {state} with the money of {charge} taken and nothing given for it",
    "on the way deliver (perform … { delivers = true }), refund { of = \"{charge}\" } or alert {…}",
    true },
  not_refunded = { "the flow ends at {state} although the refund of {charge} may not have worked",
    "lead the refund's outcome failed to an alert {…}", true },
  second_open = { "{state} makes a charge while {charge} may still be paid: the customer could pay "
    .. "twice", "cancel the first: cancel { of = \"{charge}\", … }", true },
  second_unsure = { "{state} makes a charge although {charge} may have been paid: the customer "
    .. "could pay twice", "end the flow after an alert {…}, or look again: "
    .. "wait { of = \"{charge}\", … }", true },
  dropped = { "{state} charges again, and the money that {charge} has taken is forgotten",
    "deliver, refund { of = \"{charge}\" } or alert {…} before it", true },
  unpaid_delivery = { "{state} delivers what is not paid: no payment came since the last delivery "
    .. "or refund", "lead only the outcome paid to it", true },
  refund_unpaid = { "{state} refunds {charge}, which is not paid there",
    "refund only after its outcome paid", true },
  refund_again = { "{state} refunds {charge} once more, after a refund that failed: where the "
    .. "provider cannot refund it fails for ever",
    "lead the first refund's outcome failed to an alert {…}, or name the providers: "
    .. "providers = { \"ssg\" }", true },
  refund_never = { "{state} refunds {charge}, and {who} cannot refund",
    "lead there to an alert {…} instead: a person gives the money back", true },
  wait_nothing = { "{state} waits for {charge}, which cannot be paid any more there",
    "wait only where it was made and is not paid, cancelled or expired", true },
  cancel_nothing = { "{state} cancels {charge}, which cannot be paid any more there",
    "cancel only where it was made and is not paid, cancelled or expired", true },
}

--- Is the rule one of money?
function M.is_money(rule)
  return RULES[rule] ~= nil and RULES[rule][3] == true
end

--- The names of all rules, sorted.
function M.names()
  local list = {}
  for name in pairs(RULES) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local function who(facts)
  if facts.subscription then return "a subscription's provider" end
  if not facts.providers then return "no provider that is known" end
  return table.concat(facts.providers, ", ")
end

--- What is wrong, and the fix.
-- @tparam string rule
-- @tparam table node at which it is broken
-- @tparam table facts charge, charges, providers
-- @treturn string
-- @treturn string
function M.words(rule, node, facts)
  local names = { state = node.name, charge = facts.charge, who = who(facts) }
  local function put(text)
    return (text:gsub("{(%a+)}", function(name) return names[name] end))
  end
  return put(RULES[rule][1]), put(RULES[rule][2])
end

--- A path, in one line: "pay —paid→ brew —failed→ sorry".
function M.path(path)
  local parts = {}
  for i, step in ipairs(path or {}) do
    parts[i] = step.outcome and ("%s —%s→ "):format(step.state, step.outcome) or step.state
  end
  return table.concat(parts)
end

--- A finding, for people: file:line, what is wrong, the path, the fix.
function M.render(finding)
  local lines = { ("%s:%d: %s"):format(finding.file, finding.line, finding.message) }
  if finding.path then lines[#lines + 1] = "  path: " .. M.path(finding.path) end
  if finding.fix then lines[#lines + 1] = "  fix:  " .. finding.fix end
  return table.concat(lines, "\n")
end

return M
