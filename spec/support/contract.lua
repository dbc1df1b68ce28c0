--- The questions that every provider must answer. A provider's spec gives samples; the questions
-- are asked through codec_probe, without a call or a transport:
--
--   contract("x", {
--     options  = { … },                what pix.x{…} is given
--     required = { "api_key" },        options without which there is no account
--     secrets  = { "…" },              values of options that must never come back
--     renews   = true,                 a token is fetched and renewed
--     charge_id = "…",
--     operations = {
--       charge = { class = "create", args = { … }, reply = { status = 201, body = "…" } },
--       …                              all that the provider can do; `result`: what must come out
--     },
--     demands  = { ["payer.email"] = true },   arguments of a charge that must be there
--   })
local assert = require "luassert"
local busted = require "busted"
local cjson = require "cjson"
local probe = require "codec_probe"

local describe, it = busted.describe, busted.it

local ALL = { "check", "charge", "status", "search", "cancel", "refund", "subscribe" }
local CARD = "4111111111111111"

local function copy(value)
  if type(value) ~= "table" then return value end
  local made = {}
  for k, v in pairs(value) do made[k] = copy(v) end
  return made
end

-- Sets the member at the end of a path of names: "payer.tax_id".
local function with(args, path, value)
  local made = copy(args)
  local at = made
  for name in path:gmatch("([^.]+)%.") do
    at[name] = at[name] or {}
    at = at[name]
  end
  at[path:match("[^.]+$")] = value
  return made
end

local function dump(value, seen)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for k, v in pairs(value) do parts[#parts + 1] = dump(k, seen) .. "=" .. dump(v, seen) end
  return table.concat(parts, " ")
end

-- The keys of each object of a JSON text, in the order in which they stand.
local function keys_in_order(text)
  local objects, stack = {}, {}
  local at = 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "{" then
      stack[#stack + 1] = {}
      objects[#objects + 1] = stack[#stack]
    elseif c == "}" then
      stack[#stack] = nil
    elseif c == '"' then
      local stop = at + 1
      while text:sub(stop, stop) ~= '"' do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      if text:sub(stop + 1, stop + 1) == ":" then
        table.insert(stack[#stack], text:sub(at + 1, stop - 1))
      end
      at = stop
    end
    at = at + 1
  end
  return objects
end

local GARBAGE = {
  html = "<html><body>502 Bad Gateway</body></html>",
  empty = "",
  null = "null",
  number = "42",
  text = '"ok"',
  ["an empty object"] = "{}",
  ["a cut object"] = '{"id":"abc","status":"PEN',
  ["no UTF-8"] = "\255\254\0\1",
  ["deep JSON"] = ("["):rep(100000),
  ["NaN"] = '{"id":NaN}',
  ["objects for text"] = '{"id":{},"status":[],"transactions":7,"transaction":[],"success":1}',
  ["null members"] = '{"id":null,"status":null,"transactions":null,"transaction":null}',
}

-- Kind and `sent` of an answer by status: for reads, and for all else.
local STATUSES = {
  { 301, "protocol", "yes", "maybe" }, { 307, "protocol", "yes", "maybe" },
  { 400, "invalid", "yes", "yes" }, { 401, "auth", "yes", "yes" },
  { 403, "auth", "yes", "yes" }, { 404, "not_found", "yes", "yes" },
  { 405, "protocol", "yes", "maybe" }, { 408, "unavailable", "yes", "maybe" },
  { 409, "conflict", "yes", "yes" }, { 422, "invalid", "yes", "yes" },
  { 429, "rate_limited", "yes", "yes" }, { 500, "unavailable", "yes", "maybe" },
  { 502, "unavailable", "yes", "maybe" }, { 503, "unavailable", "yes", "maybe" },
}

local BAD_AMOUNTS = {
  ["a float with a fraction"] = 19.9, ["NaN"] = 0 / 0, ["infinity"] = math.huge, zero = 0,
  negative = -5, ["too large"] = 1e15, ["text that is no money"] = "abc",
  ["text with three decimals"] = "1.999", ["empty text"] = "", boolean = true, ["a table"] = {},
}

local BAD_ARGUMENTS = {
  { "description", ("x"):rep(1025) }, { "description", "a\0b" }, { "description", "a\r\nb" },
  { "description", "\255" }, { "description", 5 }, { "payer", "Maria" },
  { "payer.tax_id", "111.111.111-11" }, { "payer.tax_id", "52998224724" },
  { "payer.tax_id", 52998224725 }, { "payer.email", "nobody" }, { "payer.email", "a b@c.example" },
  { "payer.email", "a@b@c" }, { "payer.email", "@example.com" }, { "payer.phone", "123" },
  { "payer.phone", "+5500987654321" }, { "payer.name", "" }, { "payer.name", "A\nB" },
  { "payer.taxid", "52998224725" }, { "webhook", "ftp://shop.example/hook" },
  { "webhook", "http://shop.example/hook" }, { "webhook", "https://" },
  { "webhook", "https://a@b.example/" }, { "webhook", "http://127.0.0.1.evil.example/" },
  { "timeout", 0 }, { "timeout", -1 }, { "timeout", 0 / 0 }, { "timeout", "5" },
  { "wehbook", "https://shop.example/hook" }, { "idempotency_key", 5 },
}

local BAD_IDS = {
  empty = "", dot = ".", ["two dots"] = "..", ["too long"] = ("x"):rep(129), ["a NUL"] = "a\0b",
  ["a line end"] = "a\r\nb", ["no UTF-8"] = "\255", ["a boolean"] = true,
}

return function(name, sample)
  local function account(options)
    return assert(probe.account(name, options or sample.options))
  end

  local function encode(operation, args)
    local made, err = account():encode(operation, args or sample.operations[operation].args)
    assert.is_nil(err and (err.field or "") .. ": " .. err.message)
    return made
  end

  -- Decodes a reply as one that must not be tried again.
  local function decode(operation, reply)
    local owner = account()
    local request = assert(owner:encode(operation, sample.operations[operation].args))
    local verdict, value, err = owner:decode(request, reply, nil, true)
    assert.equal("done", verdict)
    return value, err, request
  end

  local function each_operation(visit)
    for _, operation in ipairs(ALL) do
      if sample.operations[operation] then visit(operation, sample.operations[operation]) end
    end
  end

  describe("the contract of " .. name, function()
    it("supports what its samples say, and nothing else", function()
      local facts = probe.providers()[name]
      for _, operation in ipairs(ALL) do
        local sampled = sample.operations[operation] ~= nil
          or (operation == "check" and facts.auth == "token")
        assert.equal(sampled, facts[operation], operation)
      end
    end)

    it("refuses an unsupported operation before anything is sent", function()
      for _, operation in ipairs(ALL) do
        if not probe.providers()[name][operation] then
          local made, err = account():encode(operation, {})
          assert.is_nil(made)
          assert.equal("unsupported", err.kind, operation)
          assert.equal("no", err.sent)
        end
      end
    end)

    it("names the option that is missing, unknown or of a wrong type", function()
      for _, option in ipairs(sample.required) do
        local options = copy(sample.options)
        options[option] = nil
        local made, err = probe.account(name, options)
        assert.is_nil(made)
        assert.same({ "config", option, "no" }, { err.kind, err.field, err.sent })
        options[option] = 5
        made, err = probe.account(name, options)
        assert.is_nil(made)
        assert.same({ "config", option }, { err.kind, err.field })
        options[option] = "line\r\nend"
        made, err = probe.account(name, options)
        assert.is_nil(made)
        assert.same({ "config", option }, { err.kind, err.field })
      end
      for option, value in pairs { tiemout = 5, timeout = 0, base_url = "http://api.example",
        max_response = 1.5, allow_http = "yes", validate = 1, proxy = "", connect_timeout = 1e9 } do
        local made, err = probe.account(name, with(sample.options, option, value))
        assert.is_nil(made)
        assert.same({ "config", option }, { err.kind, err.field })
      end
    end)

    it("talks to another machine by https only, unless it is told otherwise", function()
      assert.truthy(probe.account(name, with(sample.options, "base_url",
        "http://127.0.0.1:8080/x/")))
      local options = with(sample.options, "base_url", "http://api.example")
      options.allow_http = true
      assert.truthy(probe.account(name, options))
      for _, url in ipairs { "http://127.0.0.1.evil.example", "http://localhost@evil.example",
        "http://127.1.2.3.4", "http://127.0.0.1.", "http://localhost.example",
        "ftp://127.0.0.1", "https://", "https://a.example/?x=1", "https://a.example/#x" } do
        local made, err = probe.account(name, with(sample.options, "base_url", url))
        assert.is_nil(made, url)
        assert.equal("base_url", err.field)
      end
    end)

    it("gives each operation its class", function()
      each_operation(function(operation, facts)
        assert.equal(facts.class, encode(operation).class, operation)
      end)
    end)

    it("writes each request below base_url, its body as JSON with sorted keys", function()
      each_operation(function(operation)
        local owner = account(with(sample.options, "base_url", "http://127.0.0.1:9/base/"))
        local request = assert(owner:encode(operation, sample.operations[operation].args))
        assert.equal("http://127.0.0.1:9/base/", request.url:sub(1, 24))
        assert.is_nil(request.url:find("[{} ]"))
        if request.body then
          assert.equal("table", type(cjson.decode(request.body)))
          for _, keys in ipairs(keys_in_order(request.body)) do
            local sorted = copy(keys)
            table.sort(sorted)
            assert.same(sorted, keys, operation)
          end
        end
      end)
    end)

    it("understands its own samples", function()
      each_operation(function(operation, facts)
        local value, err = decode(operation, facts.reply)
        assert.is_nil(err and err.message, operation)
        if operation == "check" then
          assert.is_true(value)
        elseif operation ~= "search" then
          assert.equal(name, value.provider)
          assert.equal("yes", value.sent)
          assert.equal("string", type(value.id))
          assert.equal("table", type(value.raw))
        end
        for member, wanted in pairs(facts.result or {}) do
          assert.same(wanted, value[member], operation .. "." .. member)
        end
      end)
    end)

    it("names the argument of a charge that is wrong, without quoting it", function()
      local args = sample.operations.charge.args
      for what, amount in pairs(BAD_AMOUNTS) do
        local made, err = account():encode("charge", with(args, "amount", amount))
        assert.is_nil(made, what)
        assert.same({ "invalid", "amount", "no" }, { err.kind, err.field, err.sent }, what)
        assert.truthy(err.hint, what)
      end
      for _, case in ipairs(BAD_ARGUMENTS) do
        local made, err = account():encode("charge", with(args, case[1], case[2]))
        assert.is_nil(made, case[1])
        assert.same({ "invalid", case[1], "no" }, { err.kind, err.field, err.sent })
        if type(case[2]) == "string" and #case[2] > 8 then
          assert.is_nil(dump(err):find(case[2], 1, true), case[1])
        end
      end
    end)

    it("names the argument of a charge that is missing", function()
      for field in pairs(sample.demands) do
        local made, err = account():encode("charge", with(sample.operations.charge.args, field,
          nil))
        assert.is_nil(made, field)
        assert.same({ "invalid", field, "no" }, { err.kind, err.field, err.sent })
      end
      for _, wrong in ipairs { 5, "x", true } do
        local made, err = account():encode("charge", wrong)
        assert.is_nil(made)
        assert.equal("invalid", err.kind)
      end
    end)

    it("takes whatever payers have: text in UTF-8, blanks, signs", function()
      local args = copy(sample.operations.charge.args)
      args.description = 'Café "com" \\ barra / emoji 😀'
      args.payer = { name = "João d'Ávila", tax_id = "529.982.247-25", email = "j+x@a.example",
        phone = "(11) 98765-4321" }
      assert.equal("table", type(cjson.decode(encode("charge", args).body)))
    end)

    it("refuses ids that are none, and encodes the others as one segment", function()
      each_operation(function(operation, facts)
        if operation ~= "status" and operation ~= "cancel" and operation ~= "refund" then return end
        for what, id in pairs(BAD_IDS) do
          for _, args in ipairs { id, { id = id, amount = 100 } } do
            local made, err = account():encode(operation, args)
            assert.is_nil(made, what)
            assert.same({ "invalid", "id", "no" }, { err.kind, err.field, err.sent }, what)
          end
        end
        local url = encode(operation, facts.args).url
        local moved = encode(operation, { id = "../x?y#z/%2e", amount = 100 })
        local _, slashes = url:gsub("/", "")
        local _, moved_slashes = moved.url:gsub("/", "")
        assert.equal(slashes, moved_slashes)
        assert.is_nil(moved.url:find("../x", 1, true))
      end)
    end)

    it("refuses another provider's charge", function()
      for _, operation in ipairs { "status", "cancel", "refund" } do
        if sample.operations[operation] then
          local charge = { id = "x", provider = "other", amount = 100, status = "pending" }
          for _, args in ipairs { charge, { charge = charge } } do
            local made, err = account():encode(operation, args)
            assert.is_nil(made)
            assert.same({ "invalid", "charge" }, { err.kind, err.field })
          end
        end
      end
    end)

    it("takes a charge as it was returned, whatever else is in it", function()
      local charge = decode("charge", sample.operations.charge.reply)
      charge.note = "the application's own"
      for _, operation in ipairs { "status", "cancel", "refund" } do
        if sample.operations[operation] then
          assert.equal(charge.id, encode(operation, charge).id)
          assert.equal(charge.amount, encode(operation, { charge = charge }).amount)
        end
      end
    end)

    it("gives every HTTP status its kind and what is known of the request", function()
      each_operation(function(operation, facts)
        for _, case in ipairs(STATUSES) do
          local status, kind, read, write = case[1], case[2], case[3], case[4]
          for what, body in pairs { text = "<html>no</html>", empty = "", ["empty object"] = "{}",
            message = '{"message":"it failed"}' } do
            local proven = operation == "check" and body:sub(1, 1) == "{"
              and (kind == "invalid" or kind == "not_found")
            if not proven then
              local value, err = decode(operation, { status = status, body = body })
              local where = ("%s, %d, %s"):format(operation, status, what)
              assert.is_true(value == nil or type(value) == "table", where)
              assert.equal(kind, err.kind, where)
              assert.equal(facts.class == "read" and read or write, err.sent, where)
              assert.equal(status, err.http_status)
              assert.truthy(err.message, where)
            end
          end
        end
      end)
    end)

    it("says how long to wait, at most a minute", function()
      for header, seconds in pairs { ["7"] = 7, ["100000"] = 60, ["0"] = 0 } do
        local _, err = decode("charge", { status = 429, body = "{}", retry_after = header })
        assert.equal(seconds, err.retry_after)
      end
      local _, err = decode("charge", { status = 429, body = "{}", retry_after = "soon" })
      assert.is_nil(err.retry_after)
    end)

    it("never takes garbage with a status of success for an answer", function()
      each_operation(function(operation)
        for what, body in pairs(GARBAGE) do
          local object = operation == "check" and body:sub(1, 1) == "{"
          if not object then
            local value, err = decode(operation, { status = 200, body = body })
            local where = operation .. ", " .. what
            assert.is_true(value == nil or value.provider == nil, where)
            assert.truthy(err, where)
            assert.equal("protocol", err.kind, where)
            assert.equal("maybe", err.sent, where)
          end
        end
      end)
    end)

    it("keeps a status word that it does not know, and does not call it paid", function()
      local facts = sample.operations.status
      local body = facts.reply.body:gsub('"status"%s*:%s*"[^"]*"', '"status":"NOVO_ESTADO"', 1)
      local value = decode("status", { status = 200, body = body })
      assert.same({ "unknown", "NOVO_ESTADO" }, { value.status, value.raw_status })
    end)

    it("keeps control characters of a reply out of an error", function()
      local _, err = decode("charge", { status = 400, body = '{"message":"a\\u001b[31m\\r\\nb"}' })
      assert.is_nil(err.message:find("%c"))
    end)

    it("never echoes a secret, a token or a card, wherever a reply puts it", function()
      local hidden = copy(sample.secrets)
      hidden[#hidden + 1] = "tok-of-this-call"
      hidden[#hidden + 1] = CARD
      hidden[#hidden + 1] = "4111 1111 1111 1111"
      each_operation(function(operation)
        for _, secret in ipairs(hidden) do
          local words = ("before %s after"):format(secret)
          local body = cjson.encode {
            message = words, error = words, details = words, code = secret,
            errors = { value = { words }, [secret] = { words }, webhook = words },
            nested = { { deep = words } }, number = tonumber(CARD),
          }
          for _, status in ipairs { 200, 400, 401, 422, 500 } do
            local value, err = decode(operation,
              { status = status, body = body, token = "tok-of-this-call" })
            local all = dump(value) .. dump(err)
            local proven = operation == "check" and value == true
            assert.is_true(proven or err ~= nil)
            assert.is_nil(all:find(secret, 1, true), ("%s, %d: %s"):format(operation, status, all))
          end
        end
      end)
    end)

    it("hides its own secrets in what a success carries, too", function()
      local body = sample.operations.charge.reply.body:gsub("}%s*$",
        ',"echo":"' .. sample.secrets[1] .. '"}')
      local value = assert(decode("charge", { status = 201, body = body }))
      assert.equal("[redacted]", value.raw.echo)
    end)

    it("hints at what to do after a failure of the transport", function()
      each_operation(function(operation, facts)
        local owner = account()
        local request = assert(owner:encode(operation, facts.args))
        for _, sent in ipairs { "no", "maybe" } do
          local err = owner:failure(request, sent)
          assert.equal(sent, err.sent)
          assert.truthy(err.hint)
        end
        if facts.class ~= "read" then
          assert.is_nil(owner:failure(request, "maybe").hint:find("safe", 1, true))
        end
      end)
    end)

    it("has no idempotency key, and says so", function()
      local args = with(sample.operations.charge.args, "idempotency_key", "order-17")
      local made, err = account():encode("charge", args)
      if not sample.idempotency then
        assert.is_nil(made)
        assert.same({ "unsupported", "idempotency_key" }, { err.kind, err.field })
      end
    end)

    if sample.renews then
      it("renews a token once, after a 401 or a 404 that speaks of it", function()
        for _, reply in ipairs { { status = 401, body = "" },
          { status = 404, body = '{"message":"Token expirado"}' } } do
          local owner = account()
          local request = assert(owner:encode("charge", sample.operations.charge.args))
          local verdict, value, err = owner:decode(request, reply, nil, false)
          assert.same({ "renew", "auth" }, { verdict, err.kind })
          assert.is_nil(value)
          verdict, _, err = owner:decode(request, reply, nil, true)
          assert.same({ "done", "auth", "yes" }, { verdict, err.kind, err.sent })
        end
        local owner = account()
        local request = assert(owner:encode("charge", sample.operations.charge.args))
        local verdict, _, err = owner:decode(request, { status = 404, body = '{"message":"?"}' })
        assert.same({ "done", "not_found" }, { verdict, err.kind })
      end)

      it("reads a token and how long it lives", function()
        local owner, now = account(), 1750000000
        local function life(body)
          local token, expires = owner:token({ body = body }, now)
          return token, expires - now
        end
        assert.same({ "abc", 3540 }, { life '{"access_token":"abc","expires_in":3600}' })
        assert.same({ "abc", 3540 }, { life '{"access_token":"abc","expires_in":"3600"}' })
        assert.same({ "abc", 86340 }, { life '{"access_token":"abc","expires_in":31536000}' })
        assert.same({ "abc", 3540 }, { life '{"access_token":"abc","expires_in":1750003600}' })
        local _, unstated = life '{"access_token":"abc"}'
        assert.is_true(unstated > 0)
        local _, past = life '{"access_token":"abc","expires_in":1000000001}'
        assert.is_true(past > 0)
      end)

      it("tells failures of the token apart", function()
        local cases = {
          { 400, '{"error":"invalid_request","message":"x"}', "auth" },
          { 401, '{"error":"invalid_client","error_description":"x","message":"x"}', "auth" },
          { 401, "", "auth" }, { 403, "", "auth" }, { 404, "<html>", "protocol" },
          { 429, "{}", "rate_limited" }, { 503, "", "unavailable" }, { 302, "", "protocol" },
          { 200, "", "protocol" }, { 200, "{}", "protocol" }, { 200, '{"access_token":5}',
            "protocol" },
          { 200, '{"access_token":"a\\r\\nb"}', "protocol" },
        }
        for _, case in ipairs(cases) do
          local token, err = account():token { status = case[1], body = case[2] }
          assert.is_nil(token)
          assert.equal(case[3], err.kind, case[1] .. case[2])
          assert.not_equal("maybe", err.sent)
        end
      end)

      it("writes the token as a bearer, and marks the request for it as secret", function()
        assert.same({ "Authorization", "Bearer abc" }, { account():auth("abc") })
        local request = account():encode("token")
        assert.same({ false, true, "read" }, { request.auth, request.secret, request.class })
        assert.is_true(encode("charge").auth)
      end)
    else
      it("does not ask for a token", function()
        local owner = account()
        local request = assert(owner:encode("charge", sample.operations.charge.args))
        local verdict, _, err = owner:decode(request, { status = 401, body = "" }, nil, false)
        assert.same({ "done", "auth" }, { verdict, err.kind })
      end)
    end
  end)
end
