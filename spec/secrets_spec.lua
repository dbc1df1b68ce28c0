--- No secret in any error, log line or tostring: every error of every operation is searched.
local core = require "pix.core"
local live = require "spec.support.live"
local scripted = require "spec.support.scripted"

local CARD = {
  number = "5555555555554444", cvv = "9871", expiry = "11/2098", holder = "MARIA SECRETA" }
local SECRETS = {
  scripted.SSG.client_secret, scripted.DETSEG.client_token, scripted.PAYZU.api_key,
  scripted.PAYZU.webhook_secret,
  "tok-1", "tok-2", CARD.number, "5555 5555 5555 4444", CARD.cvv, CARD.holder,
}

-- All text within a value, depth first.
local function texts(value, found, seen)
  if type(value) == "string" then
    found[#found + 1] = value
  elseif type(value) == "table" and not seen[value] then
    seen[value] = true
    for key, member in pairs(value) do
      texts(key, found, seen)
      texts(member, found, seen)
    end
  end
  return found
end

local function search(value)
  local all = texts(value, { tostring(value) }, {})
  for _, text in ipairs(all) do
    for _, secret in ipairs(SECRETS) do
      assert.is_nil(text:find(secret, 1, true), ("%q is in %q"):format(secret, text))
    end
  end
end

local OPERATIONS = {
  ssg = { charge = live.charge_args(), status = "abc", cancel = { id = "abc", amount = 100 },
    refund = { id = "abc", amount = 100 }, check = {} },
  detseg = { charge = live.charge_args(), status = "abc", search = { id = "abc" }, check = {} },
  payzu = { charge = live.charge_args(), status = "abc", check = {} },
}

describe("secrets", function()
  local script, providers

  before_each(function()
    script = scripted.new()
    providers = {}
    for name, options in pairs(scripted.ALL) do
      providers[name] = assert(core.provider(name, options))
    end
    local card = assert(core.card(CARD))
    OPERATIONS.payzu.subscribe = { plan = "PLAN123", payer = live.PAYER, card = card }
  end)

  after_each(function() script:stop() end)

  -- Answers whatever is asked until the future is ready: tokens well, the operation as told.
  local function drive(future, act)
    while not future:ready() do
      local request = script:next()
      if request.operation == "token" and future:what() ~= nil and not act.token then
        script.tokens = script.tokens + 1
        local body = '{"access_token":"tok-%d","expires_in":60}'
        script:answer(request, 200, body:format(script.tokens))
      else
        act.answer(request)
      end
    end
    return future:result()
  end

  -- A provider that repeats everything it was told, in every place.
  local function echo(request)
    local lines = { request.body, request.url }
    for _, pair in ipairs(request.headers) do lines[#lines + 1] = pair[1] .. ": " .. pair[2] end
    return table.concat(lines, " | "):gsub('[\\"%c]', " ")
  end

  local function bodies(request)
    local text = echo(request)
    return {
      ('{"message":"%s","errors":{"value":["%s"],"card_number":["%s"]}}'):format(text, text, text),
      ('{"error":"%s","details":"%s"}'):format(text, text),
      ('{"error":"invalid","error_description":"%s","hint":"%s","message":"%s","code":"%s"}')
        :format(text, text, text, text),
      text,
      '"' .. text .. '"',
    }
  end

  it("do not come back from a provider that echoes them, whatever the status", function()
    for name, operations in pairs(OPERATIONS) do
      for operation, arguments in pairs(operations) do
        for _, status in ipairs { 200, 201, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503 } do
          for form = 1, 5 do
            local value, err = drive(providers[name]:start(operation, arguments), {
              token = operation == "check",
              answer = function(request) script:answer(request, status, bodies(request)[form]) end,
            })
            if not value then search(err) end
          end
        end
      end
    end
  end)

  it("are in no transport error", function()
    for name, operations in pairs(OPERATIONS) do
      for operation, arguments in pairs(operations) do
        local _, err = drive(providers[name]:start(operation, arguments), {
          token = operation == "check",
          answer = function(request) script:fail(request, "network", "maybe") end,
        })
        search(err)
      end
    end
  end)

  it("are in no error about their own form", function()
    for _, form in ipairs { "%s\r\n", "%s\0" } do
      local _, err = core.provider("ssg", { client_id = "x", device_code = "d",
        client_secret = form:format(scripted.SSG.client_secret) })
      search(err)
      _, err = core.provider("payzu", { api_key = form:format(scripted.PAYZU.api_key) })
      search(err)
    end
    local _, err = core.card { number = CARD.number .. "x", cvv = CARD.cvv, expiry = CARD.expiry,
      holder = CARD.holder }
    search(err)
    _, err = core.card { number = CARD.number, cvv = CARD.cvv, expiry = CARD.expiry,
      holder = CARD.holder .. "\n" }
    search(err)
  end)

  it("are not what an object shows of itself", function()
    for _, provider in pairs(providers) do search(tostring(provider)) end
    search(tostring(OPERATIONS.payzu.subscribe.card))
    search(tostring(providers.payzu:start("subscribe", OPERATIONS.payzu.subscribe)))
  end)

  it("leave only where they belong: the card in one request, the token in the headers", function()
    providers.payzu:start("subscribe", OPERATIONS.payzu.subscribe)
    local request = script:next("subscribe")
    assert.truthy(request.body:find(CARD.number, 1, true))
    assert.equal(scripted.PAYZU.api_key, scripted.header(request, "X-Api-Key"))
    assert.is_nil(request.url:find(CARD.number, 1, true))
    assert.is_nil(scripted.header(request, "Authorization"))
  end)
end)
