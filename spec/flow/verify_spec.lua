local load = require "pix.flow.load"
local rules = require "pix.flow.rules"

local function flow(body, head)
  return ('return flow "t" {\n%s start = "a",\n%s}'):format(head or "", body)
end

local function findings(text)
  local loaded, err = load.load(text)
  assert.is_nil(loaded)
  return err.findings, err
end

-- The finding of a rule, rendered.
local function finding(text, rule)
  local all = {}
  for _, one in ipairs(findings(text)) do
    if one.rule == rule then return rules.render(one), one end
    all[#all + 1] = rules.render(one)
  end
  error("no finding of " .. rule .. " in:\n" .. table.concat(all, "\n"), 2)
end

-- The ends that are used.
local function ends(body)
  return body .. "help = alert { message = 'm', next = 'bad' }, bad = fail {},"
    .. (body:find('"ok"', 1, true) and "ok = done {}," or "")
end
local PAY = [[a = charge { amount = 100, paid = %q, expired = %q, cancelled = "bad",
  failed = "bad", unknown = %q },
]]

local function pay(paid, expired, unknown, rest)
  return flow(ends(PAY:format(paid, expired or "bad", unknown or "help") .. (rest or "")))
end

describe("pix.flow.verify", function()
  local broken = {
    left_open = { 14, "left_open", "make —made→ look —timed_out→ sorry", "cancel {" },
    kept_money = { 12, "kept", "pay —paid→ brew —failed→ sorry", "deliver" },
    unpaid_delivery = { 10, "unpaid_delivery", "pay —unknown→ grant", "only the outcome paid" },
    charged_twice = { 6, "second_unsure", "pay —unknown→ again —yes→ pay", "alert" },
    endless_subscription = { 5, "subscription_loop", "join —declined→ rest —next→ join", "ask" },
    impossible_refund = { 12, "refund_never", "pay —paid→ grant —failed→ give_back",
      "a person gives the money back" },
  }
  for name, expected in pairs(broken) do
    it("refuses " .. name .. ".flow.lua, with the line, the path and the fix", function()
      local path = "spec/flow/broken/" .. name .. ".flow.lua"
      local text, one = finding(path, expected[2])
      assert.equal(("%s:%d: "):format(path, expected[1]), text:match "^[^:]+:%d+: ")
      assert.equal(expected[3], rules.path(one.path))
      assert.truthy(one.fix:find(expected[4], 1, true), one.fix)
      assert.is_true(one.money)
    end)
  end

  it("accepts the coffee kiosk", function()
    local loaded = assert(load.load "examples/flows/coffee.flow.lua")
    assert.same({ delivered = true }, loaded.money.thanks)
    assert.same({ unsure = true, owed = true }, loaded.money.attendant)
  end)

  it("finds states that no path leads to", function()
    local text = finding(pay("help", nil, nil, "x = done {}, "), "unreachable")
    assert.matches("no path leads to the state x", text)
  end)

  it("finds states from which no end is reached", function()
    local text = finding(flow [[a = wait { time = "1s", next = "b" },
      b = wait { time = "1s", next = "a" }, c = done {},]], "no_end")
    assert.matches("from a no end", text)
  end)

  it("finds loops that never rest", function()
    local text = finding(flow [[a = set { values = { x = 1 }, next = "b" },
      b = choose { when = "{x}", yes = "c", no = "a" }, c = done {},]], "spinning")
    assert.matches("path: a —next→ b —no→ a", text)
  end)

  it("finds money that is forgotten by charging again", function()
    assert.matches("is forgotten", (finding(pay("a"), "dropped")))
  end)

  it("finds a refund that may not have worked at an end", function()
    local text = finding(pay("r", nil, nil, [[r = refund { of = "a", refunded = "bad",
      failed = "bad" },]]), "not_refunded")
    assert.matches("path: a —paid→ r —failed→ bad", text)
  end)

  it("finds a refund that is tried again where providers may not be able to", function()
    local body = ends(PAY:format("r", "bad", "help") .. [[r = refund { of = "a", refunded = "bad",
      failed = "s" }, s = wait { time = "5s", next = "r" },]])
    assert.matches("fails for ever", (finding(flow(body), "refund_again")))
    assert.is_table(load.load(flow((body:gsub("next = \"r\"", "next = \"q\"")
      .. "q = refund { of = 'a', refunded = 'bad', failed = 'help' },"), "providers = { 'ssg' },")))
  end)

  it("finds refunds of what is not paid", function()
    assert.matches("not paid there", (finding(pay("help", "r", nil, [[r = refund { of = "a",
      refunded = "bad", failed = "help" },]]), "refund_unpaid")))
  end)

  it("finds cancels and waits that have nothing to act on", function()
    finding(pay("help", "c", nil, [[c = cancel { of = "a", cancelled = "bad", paid = "help",
      failed = "help" },]]), "cancel_nothing")
    finding(pay("help", "w", nil, [[w = wait { of = "a", timeout = "1s", paid = "help",
      expired = "bad", cancelled = "bad", failed = "bad", timed_out = "help" },]]), "wait_nothing")
  end)

  it("finds a second delivery for one payment", function()
    local text = finding(pay("d", nil, nil, [[d = perform "x" { delivers = true, ok = "e",
      failed = "help" }, e = perform "x" { delivers = true, ok = "ok", failed = "ok" },]]),
      "unpaid_delivery")
    assert.matches("path: a —paid→ d —ok→ e", text)
  end)

  it("finds a delivery after the money was given back", function()
    finding(pay("r", nil, nil, [[r = refund { of = "a", refunded = "d", failed = "help" },
      d = perform "x" { delivers = true, ok = "ok", failed = "help" },]]), "unpaid_delivery")
  end)

  it("lets a person deal with what may have been paid, and only then ends", function()
    finding(pay("help", nil, "bad"), "left_unsure")
    assert.is_table(load.load(pay "help"))
  end)

  it("does not let a person's eyes excuse a second charge", function()
    local text = finding(pay("help", "bad", "h", [[h = alert { message = "m",
      next = "q" }, q = ask { show = "s", yes = "a", no = "bad" },]]), "second_unsure")
    assert.matches("a —unknown→ h —next→ q —yes→ a", text)
  end)

  it("takes a delivery for one of several charges", function()
    assert.is_table(load.load(flow(ends [[a = ask { show = "s", yes = "p", no = "q" },
      p = charge { amount = 1, paid = "d", expired = "bad", cancelled = "bad", failed = "bad",
        unknown = "help" },
      q = charge { amount = 2, paid = "d", expired = "bad", cancelled = "bad", failed = "bad",
        unknown = "help" },
      d = perform "x" { delivers = true, ok = "ok", failed = "help" },]])))
  end)

  it("follows money through a flow that is a part of another", function()
    local text = [[local part = flow "part" { start = "p", input = { total = "money" },
      p = charge { amount = "{total}", paid = "y", expired = "n", cancelled = "n", failed = "n",
        unknown = "h" },
      h = alert { message = "m", next = "n" }, y = done {}, n = fail {} }
    return flow "whole" { start = "a", a = flow { of = part, input = { total = 100 },
      done = %q, failed = "bad" }, ok = done {}, bad = fail {},
      d = perform "x" { delivers = true, ok = "ok", failed = "h" },
      h = alert { message = "m", next = "bad" } }]]
    assert.is_table(load.load(text:format "d"))
    local found = finding(text:format "ok", "kept")
    assert.matches("a —next→ a/p —paid→ a/y —done→ ok", found)
  end)

  it("knows no option that would silence it", function()
    local _, err = findings(flow(ends "unsafe = true, "))
    assert.matches("unsafe is no state", err.findings[1].message .. err.findings[2].message)
  end)
end)
