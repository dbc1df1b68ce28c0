--- Every program and command of the guides is run, in the order of its page, against the sandbox.
local nginx = require "spec.support.nginx"
local postgres = require "spec.support.postgres"
local program = require "spec.support.program"
local story = require "spec.support.story"

local function guides()
  local pipe = assert(io.popen "ls docs/guides/*.md")
  local names = {}
  for path in pipe:lines() do names[#names + 1] = path:match "([^/]+)%.md$" end
  pipe:close()
  return names
end

local OPTIONS = {
  ["openresty-shop"] = function()
    return { instead = { ["127.0.0.1:8080"] = "127.0.0.1:" .. nginx.free_port() } }
  end,
  ["several-machines"] = function()
    local server = postgres.start()
    finally(function() server:close() end)
    return { instead = {
      ["postgres://pix@db.example/shop?sslmode=verify-full"] = (server:fresh()),
    } }
  end,
  -- A checklist speaks of an account that is there.
  ["going-live"] = function()
    local sandbox = require("pix.sandbox").start { auto_pay = 0.5 }
    finally(function() sandbox.stop() end)
    local key = sandbox.credentials.ssg
    return { env = { SSG_CLIENT_ID = key.client_id, SSG_CLIENT_SECRET = key.client_secret,
      SSG_DEVICE_CODE = key.device_code, SSG_BASE_URL = sandbox.url.ssg } }
  end,
}

describe("the guide", function()
  for _, name in ipairs(guides()) do
    it(name .. " runs as it stands there", function()
      story.run("docs/guides/" .. name .. ".md", OPTIONS[name] and OPTIONS[name]())
    end)
  end
end)

describe("a story", function()
  local folder

  before_each(function() folder = program.folder() end)

  after_each(function() program.remove(folder) end)

  local function page(text)
    local name = folder .. "/page.md"
    local file = assert(io.open(name, "wb"))
    file:write(text)
    file:close()
    return function() return story.run(name) end
  end

  it("goes through the page in its order", function()
    local printed = page("```sh\nWHO=me\n```\n\n```lua\nprint(1 + 1) --> 2\n```\n"
      .. "- it:\n\n  ```text\n  2\n  ```\n  ```sh\n  echo $WHO\n  ```\n")()
    assert.same({ [1] = "", [5] = "2\n", [10] = "", [13] = "me\n\n" }, printed)
  end)

  it("is told where a program fails", function()
    assert.error_matches(page "# A\n```lua\nerror 'no'\n```\n", "exit status 1.*no")
    assert.error_matches(page "```sh\nfalse\n```\n", "exit status 1")
  end)

  it("is told of a value that was not printed", function()
    assert.error_matches(page "```lua\nprint(1) --> 2\n```\n", '^"2" was not printed')
  end)

  it("is told of a file that nothing ran", function()
    assert.error_matches(page "```lua\n-- x.lua\nprint(1)\n```\n", "nothing ran x%.lua")
  end)

  it("passes no fence over", function()
    assert.error_matches(page "```\nls\n```\n", 'a fence of language "" is not run')
    assert.error_matches(page "```python\n1\n```\n", 'language "python" is not run')
    assert.error_matches(page "```lua\nprint(1)\n", "not closed")
  end)
end)
