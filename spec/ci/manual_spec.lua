--- make docs: LDoc makes the manual without a warning, and no link in it leads nowhere.
local program = require "spec.support.program"

local exists, lines_of = program.exists, program.lines_of

-- Links to files; anchors and other sites are left out.
local function dead_links(page)
  local folder, dead = page:match "^.*/", {}
  for target in program.read(page):gmatch '[hs][re][ec]f?="([^"#]+)[^"]*"' do
    if not target:find "^%a+:" and not exists(folder .. target) then
      dead[#dead + 1] = page .. " → " .. target
    end
  end
  return dead
end

describe("the manual", function()
  local result, pages, folder, out

  setup(function()
    folder = program.folder()
    out = folder .. "/docs"
    result = program.run({ ".ci/docs", out }, { folder = program.root })
    pages = lines_of("find " .. out .. " -name '*.html'")
  end)

  teardown(function() program.remove(folder) end)

  it("is made without a warning", function()
    assert.equal("", result.err)
    assert.equal(0, result.status)
  end)

  it("has every page of docs/", function()
    for _, path in ipairs(lines_of "ls docs/*.md docs/*/*.md *.md") do
      local name = path:gsub("^docs/", ""):gsub("/", "-")
      assert.truthy(exists(out .. "/topics/" .. name .. ".html"), path)
    end
  end)

  it("has a page for each module that programs may require", function()
    for _, path in ipairs(lines_of "ls lua/pix.lua lua/pix/*.lua") do
      local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/", ".")
      assert.truthy(exists(out .. "/modules/" .. name .. ".html"), path)
    end
  end)

  it("has no dead link", function()
    local dead = {}
    for _, page in ipairs(pages) do
      for _, link in ipairs(dead_links(page)) do dead[#dead + 1] = link end
    end
    assert.truthy(#pages > 50)
    assert.same({}, dead)
  end)

  it("leaves no fence unread", function()
    for _, page in ipairs(pages) do
      assert.falsy(program.read(page):find("```", 1, true), page)
    end
  end)
end)
