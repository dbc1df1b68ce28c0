--- No card and no credential in what the sandbox prints or keeps, wherever a client puts one.
local cjson = require "cjson"
local client = require "spec.support.sandbox_client"
local curl = require "spec.support.curl"
local program = require "spec.support.program"
local sandbox = require "pix.sandbox"

local NUMBER, SPACED, CVV = "5555555555554444", "5555 5555 5555 4444", "9871"

-- Requests that show what they should not: by mistake, or because they must. The token is added.
local function requests_of(sb)
  local keys = sb.credentials
  local key = "X-Api-Key: " .. keys.payzu.api_key
  local card = client.subscription_body({ card_number = NUMBER, security_code = CVV,
    card_holder_name = 'MARIA "SECRETA" SILVA', expiration_date = "11/2098" },
    { plan_id = "none" }) -- nothing is made, for ids are random digits
  return {
    { path = "/payzu/plan/create-signature", headers = { key }, body = cjson.encode(card) },
    { path = "/payzu/plan/create-signature", headers = { key },
      body = '{"card\\u005fnumber":"' .. NUMBER .. '","CVV" : ' .. CVV
        .. ',"security_code":["' .. CVV .. '"],"plan_id":"x"}' },
    { path = "/payzu/plan/create-signature", body = '{"security_code":"' .. CVV },
    { path = "/payzu/pix/create", headers = { key },
      body = cjson.encode { amount = 1, note = "card " .. SPACED } },
    { path = "/payzu/cards/" .. NUMBER .. "/" .. keys.payzu.api_key },
    { path = "/payzu/pix/status?api_key=" .. keys.payzu.api_key .. "&card=" .. NUMBER
        .. "&security%5fcode=" .. CVV },
    { path = "/nobody/" .. NUMBER .. "/" .. keys.payzu.webhook_secret },
    { path = "/_sandbox/" .. NUMBER, body = "{}" },
    { path = "/ssg/oauth/token", headers = { "Content-Type: application/x-www-form-urlencoded" },
      body = "grant_type=client_credentials&client_secret=" .. keys.ssg.client_secret },
    { path = "/detseg/token", headers = { "X-Client-Token: " .. keys.detseg.client_token,
      "X-Note: " .. NUMBER },
      body = cjson.encode { client_token = keys.detseg.client_token, note = "a" } },
    { path = "/detseg/token", body = '{"client_token":"' .. keys.detseg.client_token:sub(1, 12)
        .. '\\"' .. keys.detseg.client_token:sub(13) .. '"}' },
  }
end

local function send(sb, request)
  request.url = ("http://127.0.0.1:%d%s"):format(sb.port, request.path)
  curl.request(request)
end

-- What a sandbox with a log prints, and all that it tells: run by itself, by a program of its own.
local PROGRAM = [[
  local cjson = require "cjson"
  local sb = require("pix.sandbox").start { log = true, colour = false }
  io.stdout:write(cjson.encode { port = sb.port, credentials = sb.credentials }, "\n")
  io.stdout:flush()
  io.stdin:read "*l"
  local list = require("pix.sandbox.console").run(sb, "list")
  io.stdout:write(cjson.encode { sb.requests(), sb.ledger(), sb.faults(), sb.webhooks(), list })
  sb.stop()
]]

describe("what the sandbox prints and keeps", function()
  local folder

  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  -- Starts the program above; returns what it printed, and all secrets that were sent.
  local function output_after(serve)
    os.execute("mkfifo " .. folder .. "/said")
    local input = assert(io.popen(("%s -e %s >%s/said 2>%s/log"):format(program.interpreter(),
      program.quote(PROGRAM), folder, folder), "w"))
    local said = assert(io.open(folder .. "/said"))
    local secrets = serve(cjson.decode(said:read "*l"))
    input:write "go\n"
    input:flush()
    local output = said:read "*a"
    said:close()
    input:close()
    return output, program.read(folder .. "/log"), secrets
  end

  it("holds no card's number, CVV, key, secret or token", function()
    local told, log, secrets = output_after(function(sb)
      local token = client.ssg_token({ url = { ssg = ("http://127.0.0.1:%d/ssg"):format(sb.port) },
        credentials = sb.credentials }).data.access_token
      local requests = requests_of(sb)
      table.insert(requests, { path = "/ssg/api/qrcode/" .. token .. "/status?access_token="
        .. token, headers = { "Authorization: Bearer " .. token, "X-Note: " .. token } })
      for _, request in ipairs(requests) do send(sb, request) end
      send(sb, { path = "/nobody" }) -- a line may be written after its answer, but before the next
      return { NUMBER, SPACED, CVV, "SECRETA", "11/2098", token, sb.credentials.payzu.api_key,
        sb.credentials.payzu.webhook_secret, sb.credentials.ssg.client_secret,
        sb.credentials.detseg.client_token, sb.credentials.detseg.client_token:sub(13) }
    end)
    assert.truthy(select(2, log:gsub("\n", "\n")) >= 13, log)
    -- Numbers that change: the port, and how long it took.
    told, log = told:gsub("\\", ""):gsub("127%.0%.0%.1:%d+", ""), log:gsub("%d+%.%d ms", "")
    for _, secret in ipairs(secrets) do
      assert.is_nil(told:find(secret, 1, true), ("%q is in %s"):format(secret, told))
      assert.is_nil(log:find(secret, 1, true), ("%q is in %s"):format(secret, log))
    end
  end)

  it("is otherwise what was sent, to the letter", function()
    local sb = sandbox.start()
    finally(function() sb.stop() end)
    local body = '{ "amount":  19.90, "id":"019499ed-1234-4123-9123-577629318594",\n'
      .. '"webhook":"http://a.example/?n=1700000000001", "tokens":[1], "qr":"00020126a" }'
    send(sb, { path = "/payzu/pix/create?n=1&token=x%20y&m=2", body = body,
      headers = { "X-Trace: 019499ed-eb1a-715f-8eb6-253b93278952" } })
    local request = sb.requests()[1]
    assert.equal(body, request.body)
    assert.equal("n=1&token=[redacted]&m=2", request.query)
    assert.equal("019499ed-eb1a-715f-8eb6-253b93278952", request.headers["x-trace"])
    send(sb, { path = "/payzu/plan/create-signature",
      body = '{"payment":{"card_number": "x\\"y","security_code":1.5e3},"plan_id":"p"}' })
    assert.equal('{"payment":{"card_number": "[redacted]","security_code":"[redacted]"},'
      .. '"plan_id":"p"}', sb.requests()[2].body)
  end)
end)
