-- Answers that lack something, or say it in a way that no document shows: what the caller is told.
local probe = require "codec_probe"

local OPTIONS = {
  detseg = { client_id = "client-17", client_token = "t0ken-of-detseg" },
  ssg = { client_id = "client-17", client_secret = "s3cret-of-ssg", device_code = "dev-1" },
  payzu = { api_key = "k3y-of-payzu", webhook_url = "https://shop.example/hook" },
}
local RANGE = { from = 1750000000, to = 1750003600 }

-- The value; or nil, its error's kind and sent.
local function decode(name, operation, args, status, body, options)
  local account = assert(probe.account(name, options or OPTIONS[name]))
  local request = assert(account:encode(operation, args))
  local verdict, value, err = account:decode(request, { status = status, body = body }, nil, true)
  assert.equal("done", verdict)
  if err then return nil, err.kind, err.sent end
  return value
end

local function refused(kind, sent, ...)
  local value, its_kind, its_sent = decode(...)
  assert.is_nil(value)
  assert.same({ kind, sent }, { its_kind, its_sent })
end

describe("an answer to a search", function()
  it("whose item is no object is unreadable", function()
    refused("protocol", "maybe", "detseg", "search", RANGE, 200, '{"transactions":[5]}')
  end)

  it("whose amount cannot be read is understood, and of no use", function()
    for _, value in ipairs { '"ten"', "-1", '"1,2,3"', "1e300" } do
      refused("protocol", "yes", "detseg", "search", RANGE, 200,
        ('{"transactions":[{"transaction_id":"T1","status":"paid","value":%s}]}'):format(value))
    end
  end)

  it("may be the charge itself", function()
    local list = decode("detseg", "search", { id = "T1" }, 200,
      '{"transaction_id":"T1","status":"paid","value":12.5}')
    assert.equal(1, #list)
    assert.same({ "T1", "paid", 1250 }, { list[1].id, list[1].status, list[1].amount })
  end)

  it("that is neither is unreadable", function()
    refused("protocol", "maybe", "detseg", "search", RANGE, 200, '{"message":"ok"}')
  end)

  it("may have items of unknown status", function()
    local list = decode("detseg", "search", RANGE, 200,
      '{"transactions":[{"transaction_id":"T1"}]}')
    assert.equal("unknown", list[1].status)
  end)
end)

describe("an answer to a subscription", function()
  it("without an id or a status leaves open whether there is one", function()
    local args = { plan = "P1", card = assert(probe.card { number = "4111111111111111", cvv = "737",
      expiry = "12/2049", holder = "JOAO" }), payer = { name = "Maria", tax_id = "52998224725",
      email = "m@example.com", phone = "11987654321" } }
    refused("protocol", "maybe", "payzu", "subscribe", args, 200,
      '{"success":true,"subscription_id":"S1"}')
    refused("protocol", "maybe", "payzu", "subscribe", args, 200,
      '{"success":true,"status":"aprovado"}')
  end)
end)

describe("an answer to a check", function()
  it("without a token proves nothing", function()
    refused("protocol", "maybe", "ssg", "check", nil, 200, '{"expires_in":3600}')
    assert.is_true(decode("ssg", "check", nil, 200, '{"access_token":"t","expires_in":3600}'))
  end)
end)

describe("an operation that a provider does not have", function()
  it("is refused before anything is sent", function()
    local account = assert(probe.account("ssg", OPTIONS.ssg))
    local request, err = account:encode("search", RANGE)
    assert.is_nil(request)
    assert.same({ "unsupported", "no" }, { err.kind, err.sent })
  end)
end)

describe("amounts of an account in centavos", function()
  local options = { client_id = "client-17", client_token = "t0ken-of-detseg",
    amount_unit = "centavos" }
  local function charge(amount)
    return decode("detseg", "charge", { amount = 1990, payer = { name = "Maria",
      tax_id = "52998224725", email = "m@example.com", phone = "11987654321" } }, 201,
      ('{"transaction_id":"T1","payment_code":"opaque","amount":%s}'):format(amount), options)
  end

  it("are read as such, numbers and strings alike", function()
    assert.equal(1990, charge("1990").amount)
    assert.equal(1990, charge('"1990"').amount)
  end)

  it("are not believed with a fraction", function()
    assert.is_nil(charge('"19.90"'))
    assert.is_nil(charge("19.90"))
  end)

  it("are not believed when they are others", function()
    assert.is_nil(charge('"199000"'))
  end)
end)

describe("a status of HTTP", function()
  local function kind_of(status)
    return select(2, decode("payzu", "charge", { amount = 100 }, status, '{"message":"no"}'))
  end

  it("that asks for payment is a decline", function() assert.equal("declined", kind_of(402)) end)
end)
