-- What the ways to install luapix say of it agrees: the rockspecs, opm's dist.ini, Debian's files,
-- the manual page. That they install what works is .ci/rock's and .ci/package's to show.
local pix = require "pix"
local program = require "spec.support.program"

local exists, lines_of, read = program.exists, program.lines_of, program.read

local function is_folder(name)
  return lines_of(("test -d '%s' && echo yes"):format(name))[1] == "yes"
end

local function rockspec(version)
  local name, env = ("luapix-%s.rockspec"):format(version), {}
  assert(load(read(name), name, "t", env))()
  return env
end

describe("the version", function()
  it("is a number of three parts, and the changelog's", function()
    assert.truthy(pix.version:find "^%d+%.%d+%.%d+$", pix.version)
    assert.equal(pix.version, read("debian/changelog"):match "^lua%-pix %(([^)]+)%)")
  end)
end)

describe("the rockspecs", function()
  local scm, released = rockspec "scm-1", rockspec(pix.version .. "-1")

  it("carry the version of their names", function()
    assert.equal("scm-1", scm.version)
    assert.equal(pix.version .. "-1", released.version)
  end)

  it("take the source from one place, a release by its tag", function()
    assert.same({ url = scm.source.url }, scm.source)
    assert.same({ url = scm.source.url, tag = "v" .. pix.version }, released.source)
  end)

  it("agree in all else", function()
    local function rest(spec)
      local copy = {}
      for name, value in pairs(spec) do copy[name] = value end
      copy.version, copy.source = nil, nil
      return copy
    end
    assert.same(rest(scm), rest(released))
  end)

  it("name what the modules need", function()
    local needed = {}
    for _, dependency in ipairs(scm.dependencies) do
      needed[dependency:match "^[%w-]+"] = true
    end
    assert.same({ lua = true, ["lua-cjson"] = true, argparse = true, http = true }, needed)
  end)
end)

describe("a build with the headers of another Lua", function()
  -- cc's words about a folder of headers that says so much of itself.
  local function compile(lua_h, luajit)
    local folder = os.tmpname()
    os.remove(folder)
    local text = table.concat(lines_of(([[mkdir '%s' && cd '%s' && printf '%s\n' >lua.h &&
      : >lauxlib.h && %s cd - >/dev/null && echo '#include "src/lua/compat.h"' |
      cc -fsyntax-only -x c -I. -I'%s' - 2>&1; rm -r '%s']]):format(folder, folder, lua_h,
      luajit and ": >luajit.h &&" or "", folder, folder)), "\n")
    return text
  end
  local REFUSED = "luapix needs Lua 5.4 or LuaJIT 2.1"

  it("is refused where the module could not be loaded, in words", function()
    for _, number in ipairs { 501, 502 } do
      assert.truthy(compile("#define LUA_VERSION_NUM " .. number):find(REFUSED, 1, true))
    end
  end)

  it("is not refused to LuaJIT, which calls itself 5.1, or to 5.4", function()
    assert.falsy(compile("#define LUA_VERSION_NUM 501", true):find(REFUSED, 1, true))
    assert.falsy(compile("#define LUA_VERSION_NUM 504"):find(REFUSED, 1, true))
  end)
end)

-- The rules of opm's own documentation ("File dist.ini"), and of what `opm build` refuses.
describe("opm's dist.ini", function()
  local KNOWN = { name = true, abstract = true, version = true, author = true, license = true,
    requires = true, repo_link = true, is_original = true, lib_dir = true, exclude_files = true,
    main_module = true, doc_dir = true }
  local fields = {}

  setup(function()
    for line in read("dist.ini"):gmatch "[^\n]+" do
      if not line:find "^%s*[#;]" then
        local key, value = line:match "^(%w[%w_]*) = (%S.*)$"
        assert(key, "not KEY = VALUE: " .. line)
        assert(KNOWN[key] and not fields[key], "opm refuses this key: " .. key)
        fields[key] = value
      end
    end
  end)

  it("has each key that is mandatory", function()
    for _, key in ipairs { "name", "abstract", "author", "license", "repo_link", "is_original" } do
      assert.truthy(fields[key], key)
    end
    assert.truthy(fields.name:find "^[%a%d-]+$" and #fields.name >= 3)
    assert.equal("mit", fields.license)
    assert.equal("yes", fields.is_original)
    assert.truthy(fields.repo_link:find "^https://")
  end)

  it("has luapix's version, and the main module says no other", function()
    assert.equal(pix.version, fields.version)
    -- opm looks there for lines like these, and believes a value with a digit in it.
    for line in read(fields.main_module):gmatch "[^\n]+" do
      local said = line:match "_?VERSION%s*=%s*(.+)" or line:match "version%s*=%s*(.+)"
      assert.falsy(said and said:find "%d", line)
    end
  end)

  it("names folders and files that exist, with nothing in them that opm would rename", function()
    assert.is_true(is_folder(fields.lib_dir))
    assert.is_true(is_folder(fields.doc_dir))
    assert.is_true(exists(fields.main_module))
    assert.equal(fields.lib_dir .. "/pix.lua", fields.main_module)
    assert.is_true(exists "README.md") -- without it opm builds nothing
    for _, name in ipairs(lines_of(("find '%s' -name '*.lua'"):format(fields.lib_dir))) do
      assert.falsy(name:find("-", 1, true), name) -- opm writes a/b.lua for a-b.lua
    end
  end)

  it("requires what opm knows, in its way of writing", function()
    local special = { luajit = true, nginx = true, openresty = true, ngx_http_lua = true }
    for item in fields.requires:gmatch "[^,]+" do
      local name, operator, version = item:match "^%s*([%w_/-]+)%s*([><=]+)%s*([%w._-]+)%s*$"
      assert.truthy(name and (special[name] or name:find "^[%w-]+/[%w-]+$"), item)
      assert.truthy(operator == ">=" or operator == "=" or operator == ">", item)
      assert.truthy(version:find "%d", item)
    end
  end)

  it("says where the core comes from, of which opm carries nothing", function()
    assert.truthy(fields.abstract:find("pix.core comes from", 1, true))
    assert.same({}, lines_of(("find '%s' -name '*.so' -o -name '*.c'"):format(fields.lib_dir)))
  end)
end)

describe("Debian's packages", function()
  local control = read "debian/control"

  local function paragraph(package)
    return assert(("\n" .. control .. "\n"):match("\n(Package: " .. package:gsub("%-", "%%-")
      .. "\n.-)\n\n"), package)
  end

  it("are one for the core and one for each back end of the journal", function()
    local names = {}
    for name in control:gmatch "\nPackage: (%S+)" do names[#names + 1] = name end
    assert.same({ "lua-pix", "lua-pix-sqlite", "lua-pix-postgres" }, names)
    local sources, backends = read("Makefile"):match "\nBACKEND_SRC := ([^\n]+)", 0
    for backend in sources:gmatch "journal_(%w+)%.c" do
      local list = read(("debian/lua-pix-%s.install"):format(backend))
      assert.truthy(list:find("/pix/journal_" .. backend .. ".so", 1, true), list)
      backends = backends + 1
    end
    assert.equal(#names - 1, backends)
  end)

  it("let nobody install a back end beside another version's core", function()
    for _, name in ipairs { "lua-pix-sqlite", "lua-pix-postgres" } do
      assert.truthy(paragraph(name):find("lua-pix (= ${binary:Version})", 1, true), name)
    end
  end)

  it("are built with each library that the rockspec names, and the back ends'", function()
    local build = control:match "Build%-Depends:(.-)\n%u"
    for _, library in ipairs { "libcurl4-openssl-dev", "libssl-dev", "libqrencode-dev",
      "libpng-dev", "libsqlite3-dev", "libpq-dev", "liblua5.4-dev", "libluajit2-5.1-dev" } do
      assert.truthy(build:find(library, 1, true), library)
    end
  end)
end)

describe("the manual page", function()
  it("has luapix's version, and a paragraph for each command", function()
    local page = read "docs/pix.1"
    assert.truthy(page:find('"luapix ' .. pix.version .. '"', 1, true))
    local commands = read("lua/pix/cli/init.lua"):match "local COMMANDS = (%b{})"
    local seen = 0
    for command in commands:gmatch '"(%w+)"' do
      assert.truthy(page:find("\n.B " .. command .. "\n", 1, true), command)
      seen = seen + 1
    end
    assert.is_true(seen > 10)
  end)
end)
