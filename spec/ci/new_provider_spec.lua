-- What `make new-provider` writes must compile and pass its contract at once. It is tried in a copy
-- of the tree, which keeps what is built already.
local function run(folder, command)
  local pipe = assert(io.popen(("cd '%s' && { %s; } 2>&1; echo \"status $?\""):format(folder,
    command)))
  local text = pipe:read("*a")
  pipe:close()
  return tonumber(text:match("status (%d+)%s*$")), text
end

-- One VM and one build suffice: the skeleton is the same C and Lua everywhere.
if _VERSION == "Lua 5.4" and (os.getenv("VARIANT") or "") == "" then
  describe("make new-provider", function()
    local folder

    setup(function()
      folder = os.tmpname()
      os.remove(folder)
      local copied, text = run(".", ("mkdir '%s' && cp -a .ci .clang-format .luacheckrc Makefil"
        .. "e src lua "
        .. "spec '%s' && mkdir '%s/build' && cp -a build/core build/5.4 '%s/build'"):format(folder,
        folder, folder, folder))
      assert.equal(0, copied, text)
    end)

    teardown(function() run(".", ("rm -rf '%s'"):format(folder)) end)

    it("writes a provider that compiles and passes its contract", function()
      local name = "acme_bank_of_fortaleza_2" -- as long as a name may be
      local status, text = run(folder, "make -s new-provider NAME=" .. name)
      assert.equal(0, status, text)
      status, text = run(folder, "make -s LUA=5.4 build/5.4/codec_probe.so")
      assert.equal(0, status, text)
      status, text = run(folder, ".ci/spec 5.4 spec/provider/" .. name .. "_spec.lua")
      assert.equal(0, status, text)
      assert.truthy(text:find("[1-9]%d* passed, 0 failed"), text)
      status, text = run(folder, "clang-format --dry-run -Werror src/provider/" .. name .. ".c")
      assert.equal(0, status, text)
      status, text = run(folder, ("luacheck -q lua/pix/sandbox/%s.lua spec/provider/%s_spec.lua")
        :format(name, name))
      assert.equal(0, status, text)
      local _, breaches = run(folder, ".ci/rooms")
      assert.is_nil(breaches:find(name, 1, true), breaches)
      status, text = run(folder, (".ci/lua 5.4 -e 'assert(require(\"pix.sandbox.%s\").handle.ch"
        .. "arge)'")
        :format(name))
      assert.equal(0, status, text)
    end)

    it("keeps the registers sorted, and overwrites nothing", function()
      local status, text = run(folder, ".ci/new-provider kiosk && tail -n 5 src/provider/provid"
        .. "ers.def")
      assert.equal(0, status, text)
      local _, detseg = text:find("PIX_PROVIDER%(detseg%)")
      local _, kiosk = text:find("PIX_PROVIDER%(kiosk%)")
      local _, payzu = text:find("PIX_PROVIDER%(payzu%)")
      assert.is_true(detseg < kiosk and kiosk < payzu, text)
      status, text = run(folder, "cat lua/pix/sandbox/providers.lua")
      assert.truthy(text:find('"detseg", "kiosk", "payzu"', 1, true), text)
      assert.equal(0, status)
      status, text = run(folder, ".ci/new-provider kiosk")
      assert.equal(2, status)
      assert.truthy(text:find("exists already", 1, true))
    end)

    it("refuses names that are none", function()
      for _, name in ipairs { "", "Acme", "9acme", "a-b", "../x", "codec", "provider",
        "interpreter",
        ("x"):rep(25), "a'b", "a b" } do
        assert.equal(2, (run(folder, (".ci/new-provider \"%s\""):format(name))), name)
      end
    end)
  end)
end
