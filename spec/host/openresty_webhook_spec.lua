local basexx = require "basexx"
local hmac = require "openssl.hmac"
local nginx = require "spec.support.nginx"
local openresty = require "spec.support.openresty"
local sandbox = require "pix.sandbox"

local SECRET = "a webhook secret"

local function sign(body, secret)
  return basexx.to_hex(hmac.new(secret or SECRET, "sha256"):final(body)):lower()
end

-- A webhook as payzu sends it; `padding` makes its body longer.
local function body_of(id, padding)
  return ('{"transaction":{"id":"%s","status":"completed","valor":"19.90"},"x":"%s"}'):format(id,
    (" "):rep(padding or 0))
end

describe("pix.webhook.handler", function()
  local sb, ng

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function() sb.reset() end)
  after_each(function()
    if ng then ng:stop() end
    ng = nil
  end)

  local EVENTS =
    [[ ngx.say(ngx.shared.box:get("events") or 0, " ", ngx.shared.box:get("last") or "") ]]

  -- `options`: Lua text of the handler's options beside the secret.
  local function start(options, more)
    local all = { providers = { "payzu" }, http = "lua_shared_dict box 1m;",
      payzu = { webhook_url = "http://127.0.0.1:9/" },
      init = ([[ hook = pix.webhook.handler { secret = { "old", %q }, %s } ]]):format(SECRET,
        options or ""),
      locations = { hook = "hook()", events = EVENTS } }
    for key, value in pairs(more or {}) do all[key] = value end
    ng = openresty.start(sb, all)
  end

  local COUNT = [[ on_event = function(event)
    ngx.shared.box:incr("events", 1, 0) ngx.shared.box:set("last", event.id .. " " .. event.status)
  end ]]

  local function post(body, signature, more)
    local request = { path = "/hook", body = body,
      headers = { signature and "X-Payzu-Signature: " .. signature or "X-Other: 1" } }
    for key, value in pairs(more or {}) do request[key] = value end
    return ng:request(request)
  end

  local function events()
    return ng:request("/events").body
  end

  -- The answer leaves before an event is handled, and another worker may be quicker to tell.
  local function becomes(text)
    nginx.eventually(text, function() return events() == text end)
  end

  it("takes a signed event once, and answers 200 to the repeated one", function()
    start(COUNT)
    local body = body_of("PIX1")
    assert.are.equal("ok\n", post(body, sign(body)).body)
    for _, secret in ipairs { SECRET, "old" } do
      local reply = post(body, sign(body, secret))
      assert.are.equal(200, reply.status)
      assert.are.equal("seen already\n", reply.body)
    end
    becomes("1 PIX1 paid\n")
  end)

  it("refuses what is not signed, signed by another, or changed", function()
    start(COUNT)
    local body = body_of("PIX1")
    assert.are.equal(401, post(body).status)
    assert.are.equal(401, post(body, sign(body, "another")).status)
    assert.are.equal(401, post(body .. " ", sign(body)).status)
    assert.are.equal(400, post("[]", sign("[]")).status)
    assert.are.equal(405, ng:request("/hook").status)
    assert.are.equal("0 \n", events())
  end)

  it("reads the raw body also when nginx keeps it in a file", function()
    start(COUNT, { server = [[
      location = /file { client_body_in_file_only clean; content_by_lua_block { hook() } }
      location = /small { client_body_buffer_size 128; content_by_lua_block { hook() } } ]] })
    local long = body_of("PIX2", 60000)
    assert.are.equal(200, post(long, sign(long)).status)
    local other = body_of("PIX3")
    assert.are.equal(200, post(other, sign(other), { path = "/file" }).status)
    local third = body_of("PIX4", 2000)
    assert.are.equal(200, post(third, sign(third), { path = "/small" }).status)
    becomes("3 PIX4 paid\n")
  end)

  it("refuses a body that is too long, told beforehand or not", function()
    start("max_body = 1000,")
    local long = body_of("PIX5", 1000)
    assert.are.equal(413, post(long, sign(long)).status)
    local chunked = ("%x\r\n%s\r\n0\r\n\r\n"):format(#long, long)
    assert.are.equal(413, ng:request { path = "/hook", method = "POST", version = "1.1",
      headers = { "Transfer-Encoding: chunked", "Connection: close",
        "X-Payzu-Signature: " .. sign(long) }, raw = chunked }.status)
  end)

  it("answers before on_event is through, and takes the event again if that fails", function()
    start([[ on_event = function(event)
      while not ngx.shared.box:get("go") do ngx.sleep(0.01) end
      if ngx.shared.box:incr("events", 1, 0) == 1 then error("a defect") end
    end ]], { locations = { hook = "hook()", events = EVENTS,
      go = [[ ngx.shared.box:set("go", true) ]] } })
    local body = body_of("PIX6")
    assert.are.equal(200, post(body, sign(body)).status)
    assert.are.equal("0 \n", events())
    ng:request("/go")
    nginx.eventually("the failure is logged", function()
      return ng:errors():find("on_event failed for payzu:PIX6:paid", 1, true)
    end)
    assert.are.equal("ok\n", post(body, sign(body)).body)
    becomes("2 \n")
    assert.are.equal("seen already\n", post(body, sign(body)).body)
  end)

  it("handles an event to its end although the provider is gone by then", function()
    start([[ on_event = function(event)
      while not ngx.shared.box:get("go") do ngx.sleep(0.01) end
      ngx.shared.box:incr("events", 1, 0)
    end ]], { http = "lua_check_client_abort on; lua_shared_dict box 1m;",
      locations = { hook = "hook()", events = EVENTS,
        go = [[ ngx.shared.box:set("go", true) ]] } })
    local body = body_of("PIX8")
    assert.are.equal("ok\n", post(body, sign(body)).body) -- and its connection is closed
    for _ = 1, 5 do ng:request("/ping") end
    ng:request("/go")
    becomes("1 \n")
  end)

  it("remembers events across workers in a shared dictionary", function()
    start([[ dict = "pix_events", ]] .. COUNT, { workers = 4,
      http = "lua_shared_dict box 1m; lua_shared_dict pix_events 1m;" })
    local body = body_of("PIX7")
    local requests = {}
    for i = 1, 40 do
      requests[i] = { path = "/hook", body = body,
        headers = { "X-Payzu-Signature: " .. sign(body) } }
    end
    local answers = {}
    for _, reply in ipairs(ng:all(requests)) do
      assert.are.equal(200, reply.status)
      answers[reply.body] = (answers[reply.body] or 0) + 1
    end
    assert.are.same({ ["ok\n"] = 1, ["seen already\n"] = 39 }, answers)
    becomes("1 PIX7 paid\n")
  end)

  -- Without being woken the first look would come after some minutes. `tell` gets
  -- the id of a charge that is waited for, and has to see that its webhook arrives.
  local function seconds_to_hear(options, tell)
    start("", { workers = options.workers,
      http = "lua_shared_dict box 1m; lua_shared_dict pix_events 1m;",
      init = ([[ hook = pix.webhook.handler { secret = %q, %s } ]]):format(
        sb.credentials.payzu.webhook_secret, options.handler),
      locations = { hook = "hook()", elsewhere = [[
        if ngx.worker.id() == ngx.shared.box:get("worker") then return ngx.exit(503) end
        hook() ]], wait = [[
        local port = ngx.var.arg_deaf and 9 or ngx.var.server_port
        local charge = assert(payzu:charge { amount = 1990,
          webhook = "http://127.0.0.1:" .. port .. "/hook" })
        local reactor = require("pix.core").reactor()
        local from = reactor:now()
        -- It waits already when the id is told: another worker might ring before, else.
        local task = pix.spawn(function() return charge:wait { timeout = 600, every = 300 } end)
        ngx.shared.box:set("worker", ngx.worker.id())
        ngx.shared.box:set("id", charge.id)
        local status, err = task:await()
        ngx.say(status or tostring(err), " ", reactor:now() - from) ]],
        id = [[ ngx.print(ngx.shared.box:get("id") or "") ]] } })
    local replies = ng:all({ options.path }, function()
      local id = nginx.eventually("the charge is made", function()
        local text = ng:request("/id").body
        return text ~= "" and text
      end)
      sb.pay(id)
      if tell then tell(id) end
    end)
    local status, seconds = replies[1].body:match("^(%S+) (%S+)\n$")
    assert.are.equal("paid", status, replies[1].body)
    return tonumber(seconds)
  end

  it("wakes whoever waits for the charge", function()
    assert.is_true(seconds_to_hear { path = "/wait", handler = "" } < 60)
  end)

  -- The provider's own webhook goes astray; the one sent here is taken by another worker only.
  local function tell_another_worker(id)
    local body = body_of(id)
    local requests = {}
    for i = 1, 32 do
      requests[i] = { path = "/elsewhere", body = body, headers = { "X-Payzu-Signature: "
        .. sign(body, sb.credentials.payzu.webhook_secret) } }
    end
    nginx.eventually("another worker takes the webhook", function()
      for _, reply in ipairs(ng:all(requests)) do
        if reply.status == 200 then return true end
      end
    end)
  end

  it("wakes whoever waits in another worker", function()
    local seconds = seconds_to_hear({ path = "/wait?deaf=1", workers = 4,
      handler = [[ dict = "pix_events" ]] }, tell_another_worker)
    assert.is_true(seconds < 60)
  end)

  it("raises on options that cannot be right", function()
    start(COUNT, { init = [[
      function why(options) return shown(pcall(pix.webhook.handler, options)) end ]],
      locations = { why = [[
        ngx.say(why(nil)) ngx.say(why { secret = 1 }) ngx.say(why { secret = "x", colour = 1 })
        ngx.say(why { secret = "x", dict = "absent" })
        ngx.say(why { secret = "x", max_body = 1e9 }) ]] } })
    local text = ng:request("/why").body
    for _, words in ipairs { "table of options", "secret must be", 'no option "colour"',
      'no lua_shared_dict "absent"', "max_body must be" } do
      assert.truthy(text:find(words, 1, true), text)
    end
  end)

  it("is refused outside OpenResty, with what to do instead", function()
    local pix = require "pix"
    local ok, err = pcall(pix.webhook.handler, { secret = "x" })
    assert.is_false(ok)
    assert.truthy(err:find("pix.webhook.verify", 1, true))
  end)
end)
