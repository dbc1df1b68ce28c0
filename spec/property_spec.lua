--- Random faults, checked against what the providers' ledger says. Each order has an amount of its
-- own, so that the ledger's charges can be told apart. A failure prints its seed and its script.
local pix = require "pix"
local crash = require "spec.crash.shop"
local live = require "spec.support.live"
local replies = require "pix.testing.replies"
local shops = require "spec.support.shop"

local PROVIDERS = { "ssg", "detseg", "payzu" }

-- A generator of our own: the same numbers on both VMs.
local function generator(seed)
  local state = seed * 7919 + 17
  return function(most)
    state = (state * 69069 + 1) % 4294967296
    return math.floor(state / 65536) % most + 1
  end
end

local function shuffled(draw)
  local list = { PROVIDERS[1], PROVIDERS[2], PROVIDERS[3] }
  for i = 3, 2, -1 do
    local j = draw(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

-- What was told, against the charges of that amount which the ledger has.
local function judge(charge, err, delivered, script)
  local what = ("%s: %s charges in the ledger, told %s\n  %s"):format(
    charge and "paid" or "error", #delivered, charge and charge.id or tostring(err),
    table.concat(script, "\n  "))
  if charge then
    assert.truthy(#delivered == 1 and delivered[1].id == charge.id, "ok means one: " .. what)
  elseif err.sent == "maybe" then
    assert.truthy(#delivered <= 1, "unknown means one at most: " .. what)
  else
    assert.truthy(#delivered == 0, "refused means none: " .. what)
  end
end

describe("whatever the providers do,", function()
  describe("with scripted replies", function()
    local s

    before_each(function() s = shops.new() end)
    after_each(function() s:stop() end)

    local made

    -- The reply is made, and remembered as delivered; then it is lost, or broken.
    local function processed(outcome)
      return function(request)
        local reply = replies.answer(s.t._book, request)
        made[#made + 1] = { id = reply.body.transaction_id or reply.body.id,
          provider = request.provider }
        if outcome == "good" then return reply end
        if outcome == "lost" then return { hang = true } end
        if outcome == "cut" then return { status = reply.status, body = '{"id":"' } end
        if outcome == "empty" then return { status = reply.status, body = "" } end
        return { status = 502, body = "<html>" }
      end
    end

    local FAULTS = {
      { "refused connection", fail = { kind = "network", sent = "no" } },
      { "reset", fail = { kind = "network", sent = "maybe" } },
      { "time-out before anything", fail = { kind = "timeout", sent = "no" } },
      { "400", reply = { status = 400, body = { message = "não" } } },
      { "403", reply = { status = 403, body = { message = "não" } } },
      { "429", reply = { status = 429, body = {} } },
      { "503", reply = { status = 503, body = {} } },
      { "lost answer", made = "lost" }, { "cut answer", made = "cut" },
      { "empty answer", made = "empty" }, { "502 after the work", made = "gateway" },
    }

    local function script_one(draw, provider, script)
      local fault = FAULTS[draw(#FAULTS)]
      script[#script + 1] = provider .. ": " .. fault[1]
      if fault.fail then
        s.t:fail(provider, "charge", fault.fail)
      else
        s.t:reply(provider, "charge", fault.reply or processed(fault.made))
      end
    end

    local function one_run(seed)
      local draw, script = generator(seed), { "seed " .. seed }
      made = {}
      for _, provider in ipairs(PROVIDERS) do
        for _ = 1, draw(4) - 1 do
          script_one(draw, provider, script)
        end
        s.t:handle(provider, "charge", processed "good")
      end
      local names = shuffled(draw)
      script[#script + 1] = "order: " .. table.concat(names, " ")
      local charge, err = s:open(names):charge(shops.order("o-" .. seed))
      judge(charge, err, made, script)
    end

    for hundred = 0, 3 do
      it(("what callers are told is what was done (seeds %d to %d)"):format(hundred * 100,
        hundred * 100 + 99), function()
        for seed = hundred * 100, hundred * 100 + 99 do
          one_run(seed)
          s:stop()
          s = shops.new()
        end
      end)
    end
  end)

  describe("at the sandbox", function()
    local sandbox, providers

    setup(function()
      sandbox = live.start()
      providers = {}
      for _, name in ipairs(PROVIDERS) do
        providers[name] = live.provider(sandbox, name, { timeout = 0.5, connect_timeout = 0.5 })
      end
    end)

    teardown(function() sandbox.stop() end)

    local FAULTS = {
      { status = 400, body = "" }, { status = 403, body = "" }, { status = 429, body = "" },
      { status = 503, body = "" }, { reset = "before" }, { reset = "after" }, { truncate = 0.5 },
      { truncate_headers = true }, { no_length = true }, { garbage = true }, { empty = true },
      { hang = true }, { missing_id = true }, { delay = 0.01 }, { amount = 7 },
      { close_keepalive = true }, { content_type = "text/html" },
    }

    local function plant(draw, script)
      for _, provider in ipairs(PROVIDERS) do
        for _ = 1, draw(3) - 1 do
          local kind, text = FAULTS[draw(#FAULTS)], {}
          local fault = { provider = provider, operation = "charge" }
          for name, value in pairs(kind) do
            fault[name], text[#text + 1] = value, name .. "=" .. tostring(value)
          end
          script[#script + 1] = provider .. ": " .. table.concat(text, " ")
          sandbox.fault(fault)
        end
      end
    end

    local function one_order(shop, amount, script)
      local charge, err = shop:charge(shops.order("o-" .. amount, { amount = amount }))
      local delivered = crash.charges(sandbox, amount)
      if err and err.kind == "mismatch" then
        -- A charge that was made for another amount: known by its id, never shown.
        assert.truthy(#delivered == 1 and delivered[1].id == err.id, table.concat(script, "\n"))
      else
        judge(charge, err, delivered, script)
      end
    end

    for seed = 1, 12 do
      it(("what callers are told is in the ledger (seed %d)"):format(seed), function()
        sandbox.reset()
        local draw, script = generator(seed), { "seed " .. seed }
        local names = shuffled(draw)
        local options = { journal = false, retry = { base = 0.01, cap = 0.02 },
          log = function() end }
        for i, name in ipairs(names) do options[i] = providers[name] end
        local shop = pix.checkout(options)
        for i = 1, 4 do
          plant(draw, script)
          one_order(shop, 1000 + 10 * seed + i, script)
          sandbox.clear_faults()
        end
        shop:close()
      end)
    end
  end)
end)
