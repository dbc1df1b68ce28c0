--- The verbs of the flow language: which keys each takes, and which outcomes it has. Facts only.
--
-- A key is { type, required, words }. Types: "value" (text with {names}, a number, a boolean, or a
-- function of the data), "money", "duration", "boolean", "count", "name" (to keep something under),
-- "charge" (a state that charges), "charges" (one, or a list), "values" (a table of values),
-- "targets" (a table whose members are states), "flow". The first outcome is the happy one.
local M = {}

local VIEW = { "value" }

M.charge = {
  what = "asks for a payment by Pix and waits for it",
  keys = {
    amount = { "money", true }, reference = { "value" }, description = { "value" },
    payer = { "values" }, show = VIEW, expires = { "duration" }, wait = { "boolean" },
    on = { "targets" },
  },
  outcomes = function(given)
    if given.wait == false then return { "made", "failed", "unknown" }, {} end
    return { "paid", "expired", "cancelled", "failed", "unknown" }, {}
  end,
}

M.subscribe = {
  what = "begins a subscription by card",
  keys = {
    plan = { "value", true }, payer = { "values" }, trial = { "value" }, reference = { "value" },
    show = VIEW,
  },
  outcomes = function() return { "subscribed", "declined", "failed", "unknown" }, {} end,
}

M.cancel = {
  what = "ends a charge that may still be paid",
  keys = { of = { "charge", true }, show = VIEW },
  outcomes = function() return { "cancelled", "paid", "failed" }, {} end,
}

M.refund = {
  what = "pays a charge back",
  keys = { of = { "charge", true }, show = VIEW },
  outcomes = function() return { "refunded", "failed" }, {} end,
}

M.wait = {
  what = "lets time pass, or waits for a charge, or for a signal",
  keys = {
    time = { "duration" }, of = { "charge" }, timeout = { "duration" }, on = { "targets" },
    show = VIEW,
  },
  one_of = { "time", "of", "on" },
  outcomes = function(given)
    if given.of then
      return { "paid", "expired", "cancelled", "failed", "timed_out" }, {}, { timeout = true }
    elseif given.time then
      return { "next" }, {}
    elseif given.timeout then
      return { "timed_out" }, {}
    end
    return {}, {}
  end,
}

M.ask = {
  what = "shows a question and waits for the answer",
  keys = {
    show = { "value", true }, timeout = { "duration" }, answers = { "targets" },
    save = { "name" }, on = { "targets" },
  },
  outcomes = function(given)
    local required = {}
    if not (given.yes or given.no or given.answers) then required = { "yes", "no" } end
    if given.timeout then required[#required + 1] = "timed_out" end
    return required, { "yes", "no" }
  end,
}

M.perform = {
  what = "calls a function of the host's",
  named = true,
  keys = {
    delivers = { "boolean" }, of = { "charges" }, timeout = { "duration" },
    attempts = { "count" }, with = { "values" }, save = { "name" }, show = VIEW,
  },
  outcomes = function() return { "ok", "failed" }, { "timed_out" } end,
}

M.choose = {
  what = "goes one way or another, by the data",
  keys = { when = { "value" }, value = { "value" }, cases = { "targets" } },
  one_of = { "when", "value" },
  outcomes = function(given)
    if given.when ~= nil then return { "yes", "no" }, {} end
    return { "otherwise" }, {}, { cases = true }
  end,
}

M.set = {
  what = "keeps values under names",
  keys = { values = { "values", true } },
  outcomes = function() return { "next" }, {} end,
}

M.alert = {
  what = "hands the order to a person",
  keys = { message = { "value", true }, of = { "charges" }, show = VIEW },
  outcomes = function() return { "next" }, {} end,
}

M.flow = {
  what = "runs another flow as a part of this one",
  keys = { of = { "flow", true }, input = { "values" } },
  outcomes = function() return { "done", "failed" }, {} end,
}

M.done = {
  what = "ends well",
  keys = { show = VIEW, result = { "values" } },
  outcomes = function() return {}, {} end,
}

M.fail = {
  what = "ends badly",
  keys = { show = VIEW, result = { "values" } },
  outcomes = function() return {}, {} end,
}

--- Keys of a flow itself that are no states.
M.flow_keys = { input = true, start = true, providers = true }

--- Types that an input may have; "?" behind one makes it optional.
M.input_types = { money = true, text = true, number = true, boolean = true }

--- Fields of a charge that a template may name, as {pay.id}.
M.charge_fields = { id = true, amount = true, provider = true, status = true, code = true }

--- Does a state of this verb make a charge?
M.charging = { charge = true, subscribe = true }

--- Does a state of this verb end the flow?
M.ending = { done = true, fail = true }

--- The names of the verbs, sorted.
M.names = {
  "alert", "ask", "cancel", "charge", "choose", "done", "fail", "flow", "perform", "refund", "set",
  "subscribe", "wait",
}

return M
