--- What the README promises: everything on it runs, and the Portuguese one says the same.
local program = require "spec.support.program"
local story = require "spec.support.story"

local BOTH = { "README.md", "README.pt-BR.md" }

-- A page without its words: headings, rows of tables, programs, links, pictures.
local function skeleton(name)
  local text, list = program.read(name), {}
  for line in text:gmatch "[^\n]*" do
    local row = line:find "^|" and "row of " .. select(2, line:gsub("|", "|"))
    local mark = line:match "^#+ " or row
    if mark then list[#list + 1] = mark end
  end
  for _, block in ipairs(story.blocks(text)) do
    list[#list + 1] = block.text:gsub("%s*%-%-[^\n]*", ""):gsub("%s*#[^\n]*", "")
  end
  for target in text:gmatch "%]%(([^)]+)%)" do
    list[#list + 1] = target:gsub("%.pt%-BR%.", ".")
  end
  return list
end

describe("the README", function()
  local sandbox

  setup(function() sandbox = require("pix.sandbox").start() end)

  teardown(function() sandbox.stop() end)

  for _, name in ipairs(BOTH) do
    it("runs as it stands there: " .. name, function()
      local ssg, payzu = sandbox.credentials.ssg, sandbox.credentials.payzu
      local printed = story.run(name, { env = { SSG_CLIENT_ID = ssg.client_id,
        SSG_CLIENT_SECRET = ssg.client_secret, SSG_DEVICE_CODE = ssg.device_code,
        SSG_BASE_URL = sandbox.url.ssg, PAYZU_API_KEY = payzu.api_key,
        PAYZU_BASE_URL = sandbox.url.payzu } })
      local shown = false
      for _, text in pairs(printed) do
        shown = shown or text:find("▀", 1, true) and text:find "paid\n"
      end
      assert.truthy(shown, "no QR code was shown and paid")
    end)
  end

  it("says the same in Portuguese", function()
    assert.same(skeleton "README.md", skeleton "README.pt-BR.md")
  end)

  it("names only files that exist", function()
    for _, name in ipairs { "README.md", "README.pt-BR.md", "CONTRIBUTING.md", "SECURITY.md" } do
      for target in program.read(name):gmatch "%]%(([%w_%./%-]+)%)" do
        local found = io.open(target) -- a folder opens too
        assert.truthy(found, name .. " links to " .. target)
        found:close()
      end
    end
  end)
end)

describe("the changelog", function()
  it("has a section of this version, newest first", function()
    local newest = program.read("CHANGELOG.md")
      :match "\n## %[(%d+%.%d+%.%d+)%] – %d%d%d%d%-%d%d%-%d%d\n"
    assert.equal(require("pix").version, newest)
  end)
end)
