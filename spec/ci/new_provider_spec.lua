-- What `make new-provider` writes must compile, pass its contract and take payments at once:
-- through the command line, against the sandbox and in a flow, without a line of ours being
-- changed. It is tried in a copy of the tree, which keeps what is built already.
local function run(folder, command)
  local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1; echo \"status $?\""):format(folder,
    command)))
  local text = pipe:read("*a")
  pipe:close()
  return tonumber(text:match("status (%d+)%s*$")), text
end

local COPIED = ".ci .clang-format .luacheckrc Makefile src lua spec bin docs library bench fuzz"
local NAME = "acme_bank_of_fortaleza_2" -- as long as a name may be
local VARIABLE = NAME:upper() .. "_API_KEY"

-- The state "back" is entered when nothing can be delivered: a refund, or a person is called.
local FLOW = [[
return flow "coffee" {
  input = { total = "money" }, providers = { "%s" }, start = "pay",
  pay = charge { amount = "{total}", show = "qr", expires = "5m", paid = "brew",
    expired = "bye", cancelled = "bye", failed = "bye", unknown = "attendant" },
  brew = perform "brew" { delivers = true, ok = "thanks", failed = "back" },
  back = %s,
  attendant = alert { message = "Falar com o cliente", next = "bye" },
  thanks = done { show = "thanks" }, bye = done { show = "bye" },
}
]]

-- A user's spec: the defaults of pix.testing answer for a provider that they were never told of.
local TEST = [[
local pix = require "pix"
local t = pix.testing.start()
local provider = assert(pix.provider("%s", { api_key = "k" }))
local charge = assert(provider:charge { amount = 1990 })
assert(charge.amount == 1990 and charge.status == "pending" and charge.code_kind == "brcode")
assert(provider:status(charge).status == "pending")
t:pay(charge)
assert(charge:wait { timeout = 60 } == "paid")
local _, err = provider:status "nobody"
assert(err.kind == "not_found", tostring(err))
assert(#t:requests("%s", "charge") == 1)
t:stop()
]]

local KEYED = [[
local pix = require "pix"
local t = pix.testing.start()
local provider = assert(pix.provider("%s", { api_key = "k" }))
assert(provider:charge { amount = 1990, idempotency_key = "order-17" })
assert(provider:charge { amount = 1990 })
local sent = {}
for i, request in ipairs(t:requests("%s", "charge")) do
  sent[i] = request.headers["idempotency-key"] or "none"
end
assert(sent[1] == "order-17" and sent[2] == "none", table.concat(sent, ", "))
t:stop()
]]

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- One VM and one build suffice: the skeleton is the same C and Lua everywhere.
if _VERSION == "Lua 5.4" and (os.getenv("VARIANT") or "") == "" then
  describe("make new-provider", function()
    local folder, changed

    -- bin/pix on the copy, in a shell whose environment names no provider.
    local function pix(arguments, variables)
      return run(folder, ("env -i PATH=\"$PATH\" PIX_LUA=lua5.4 HOME='%s' %s bin/pix %s"):format(
        folder, variables or "", arguments))
    end

    local function succeeds(status, text)
      assert.equal(0, status, text)
      return text
    end

    setup(function()
      folder = os.tmpname()
      os.remove(folder)
      succeeds(run(".", ("mkdir '%s' && cp -a %s '%s' && mkdir '%s/build' && "
        .. "cp -a build/core build/5.4 '%s/build'"):format(folder, COPIED, folder, folder, folder)))
      succeeds(run(folder, "mkdir before && cp -a src lua spec docs library Makefile before"))
      succeeds(run(folder, "make -s new-provider NAME=" .. NAME))
      changed = select(2, run(folder, "for d in src lua spec docs library Makefile; do "
        .. "diff -rq before/$d $d; done; rm -rf before"))
      succeeds(run(folder, "make -s LUA=5.4 build/5.4/codec_probe.so build/5.4/pix/core.so"))
    end)

    teardown(function() run(".", ("rm -rf '%s'"):format(folder)) end)

    it("writes three files and one line, and touches nothing else", function()
      local lines = {}
      for line in changed:gmatch("[^\n]+") do
        lines[#lines + 1] = line
      end
      assert.same({
        ("Only in src/provider: %s.c"):format(NAME),
        "Files before/src/provider/providers.def and src/provider/providers.def differ",
        ("Only in lua/pix/sandbox: %s.lua"):format(NAME),
        ("Only in spec/provider: %s_spec.lua"):format(NAME),
        "status 0",
      }, lines)
    end)

    it("writes a provider that passes its contract, and that every check takes", function()
      local text = succeeds(run(folder, ".ci/spec 5.4 spec/provider/" .. NAME .. "_spec.lua"))
      assert.truthy(text:find("[1-9]%d* passed, 0 failed"), text)
      succeeds(run(folder, "clang-format --dry-run -Werror src/provider/" .. NAME .. ".c"))
      succeeds(run(folder, ("luacheck -q lua/pix/sandbox/%s.lua spec/provider/%s_spec.lua")
        :format(NAME, NAME)))
      local _, breaches = run(folder, ".ci/rooms")
      assert.is_nil(breaches:find(NAME, 1, true), breaches)
    end)

    it("leaves the specs green that ask something of every provider", function()
      succeeds(run(folder, ".ci/spec 5.4 spec/provider/facts_spec.lua spec/flow/ability_spec.lua "
        .. "spec/provider_spec.lua spec/sandbox/init_spec.lua spec/ci/documented_spec.lua"))
    end)

    it("charges through the command line at a sandbox that runs by itself", function()
      local text = succeeds(run(folder, ([[
        PIX_LUA=lua5.4; export PIX_LUA; mkfifo keys; sleep 300 >keys & sleeper=$!
        bin/pix sandbox --quiet --auto-pay 0.2 <keys >sandbox.env 2>sandbox.err & sandbox=$!
        until grep -q SSG_DEVICE_CODE sandbox.env || ! kill -0 $sandbox; do sleep 0.05; done
        bin/pix charge -p %s 19.90 --wait --env sandbox.env; status=$?
        cat sandbox.err; kill $sandbox $sleeper; wait $sandbox; (exit $status)]]):format(NAME)))
      assert.truthy(text:find("19,90", 1, true), text)
      assert.truthy(text:find("520400005303986540519.90", 1, true), text)
      succeeds(run(folder, "grep " .. VARIABLE .. "= sandbox.env"))
    end)

    it("charges in a private sandbox, and reads the status of what it charged", function()
      local text = succeeds(pix("charge -p " .. NAME .. " 5 --sandbox --wait --json"))
      assert.truthy(text:find('"provider":"' .. NAME .. '"', 1, true), text)
      assert.truthy(text:find('"status":"paid"', 1, true), text)
    end)

    it("is configured by variables of its name", function()
      local status, text = pix("charge -p " .. NAME .. " 5")
      assert.equal(3, status, text)
      assert.truthy(text:find("lacks " .. VARIABLE, 1, true), text)
      text = succeeds(pix("providers --json", VARIABLE .. "=k3y"))
      assert.truthy(text:find('{"can":["charge","status"],"configured":true,"name":"' .. NAME
        .. '","variables":["' .. VARIABLE .. '"]}', 1, true), text)
      assert.truthy(succeeds(pix("--help")):find(VARIABLE, 1, true))
    end)

    it("sends an idempotency key once its descriptor names the header", function()
      succeeds(run(folder, ("sed -i '/operation = PIX_OP_CHARGE/a .idempotency_header = "
        .. "\"Idempotency-Key\",' src/provider/%s.c && make -s LUA=5.4 build/5.4/pix/core.so")
        :format(NAME)))
      write(folder .. "/keyed.lua", KEYED:format(NAME, NAME))
      succeeds(run(folder, ".ci/lua 5.4 keyed.lua"))
    end)

    it("plays in a flow, and is refused one that relies on what it cannot do", function()
      write(folder .. "/coffee.flow.lua", FLOW:format(NAME,
        'alert { message = "Devolver", next = "bye" }'))
      local text = succeeds(pix("flow run coffee.flow.lua total=8.50 --keys po"))
      assert.truthy(text:find("done at thanks", 1, true), text)
      write(folder .. "/refund.flow.lua", FLOW:format(NAME,
        'refund { of = "pay", refunded = "bye", failed = "bye" }'))
      local status
      status, text = pix("flow check refund.flow.lua")
      assert.equal(4, status, text)
      assert.truthy(text:find(NAME, 1, true), text)
    end)

    it("answers in pix.testing as it does in the sandbox", function()
      write(folder .. "/test.lua", TEST:format(NAME, NAME))
      succeeds(run(folder, ".ci/lua 5.4 test.lua"))
    end)

    it("keeps the register sorted, and overwrites nothing", function()
      local text = succeeds(run(folder, ".ci/new-provider kiosk && tail -n 5 "
        .. "src/provider/providers.def"))
      local _, detseg = text:find("PIX_PROVIDER%(detseg%)")
      local _, kiosk = text:find("PIX_PROVIDER%(kiosk%)")
      local _, payzu = text:find("PIX_PROVIDER%(payzu%)")
      assert.is_true(detseg < kiosk and kiosk < payzu, text)
      local status
      status, text = run(folder, ".ci/new-provider kiosk")
      assert.equal(2, status)
      assert.truthy(text:find("exists already", 1, true))
    end)

    it("refuses names that are none, or something else's", function()
      for _, name in ipairs { "", "Acme", "9acme", "a-b", "../x", "codec", "provider",
        "interpreter", ("x"):rep(25), "a'b", "a b", "pix", "qr", "checkout", "metrics", "app" } do
        assert.equal(2, (run(folder, (".ci/new-provider \"%s\""):format(name))), name)
      end
    end)
  end)
end
