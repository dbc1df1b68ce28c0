local nginx = require "spec.support.nginx"
local openresty = require "spec.support.openresty"
local sandbox = require "pix.sandbox"

local UUID = "^%x+%-%x+%-%x+%-%x+%-%x+\n$"
local CHARGE = "ngx.say(shown(ssg:charge { amount = 1990 }))"

local function tokens(sb)
  return sb.count { provider = "ssg", operation = "token" }
end

describe("pix.openresty", function()
  local sb, ng

  setup(function() sb = sandbox.start() end)
  teardown(function() sb.stop() end)
  before_each(function() sb.reset() end)
  after_each(function()
    if ng then ng:stop() end
    ng = nil
  end)

  local SHARE = [[ require("pix.openresty").share_tokens "pix_tokens" ]]
  -- The requests of one worker alone: which one answers, the answer's second line says.
  local WORKER = CHARGE .. " ngx.say(ngx.worker.id())"

  -- Requests until each of the workers has answered, all begun at once.
  local function reach_all(workers)
    local seen, count = {}, 0
    nginx.eventually("every worker answers", function()
      local paths = {}
      for i = 1, 8 * workers do paths[i] = "/charge" end
      for _, reply in ipairs(ng:all(paths)) do
        local id, worker = reply.body:match("^(.-\n)(%d+)\n$")
        assert.truthy(id and id:find(UUID), reply.body)
        if not seen[worker] then seen[worker], count = true, count + 1 end
      end
      return count == workers
    end)
  end

  it("asks for one token for four workers that start cold", function()
    sb.fault { provider = "ssg", operation = "token", delay = 0.3 }
    ng = openresty.start(sb, { workers = 4, http = "lua_shared_dict pix_tokens 100k;",
      init = SHARE, locations = { charge = WORKER } })
    reach_all(4)
    assert.are.equal(1, tokens(sb))
  end)

  it("asks for one token per worker when nothing is shared", function()
    ng = openresty.start(sb, { workers = 2, locations = { charge = WORKER } })
    reach_all(2)
    assert.are.equal(2, tokens(sb))
  end)

  it("renews a token that is refused, once for all workers", function()
    ng = openresty.start(sb, { workers = 3, http = "lua_shared_dict pix_tokens 100k;",
      init = SHARE, locations = { charge = WORKER } })
    reach_all(3)
    sb.expire_tokens { provider = "ssg" }
    reach_all(3)
    assert.are.equal(2, tokens(sb))
  end)

  it("keeps the tokens of other credentials apart", function()
    ng = openresty.start(sb, { http = "lua_shared_dict pix_tokens 100k;", init = SHARE
      .. "other = " .. openresty.provider(sb, "ssg", { client_secret = "wrong" }),
      locations = { charge = CHARGE,
        other = "local ok, err = other:charge { amount = 1990 } ngx.say(shown(ok, err.kind))" } })
    assert.truthy(ng:request("/charge").body:find(UUID))
    assert.are.equal("nil auth\n", ng:request("/other").body)
    assert.truthy(ng:request("/charge").body:find(UUID))
  end)

  it("lets everybody fetch when the one who began has failed", function()
    sb.fault { provider = "ssg", operation = "token", status = 500, times = 1 }
    ng = openresty.start(sb, { workers = 2, http = "lua_shared_dict pix_tokens 100k;",
      init = SHARE, locations = { charge = CHARGE } })
    local first = ng:request("/charge").body
    assert.truthy(first:find("^nil"), first)
    assert.truthy(ng:request("/charge").body:find(UUID))
  end)

  it("names the dictionary that is missing", function()
    ng = openresty.start(sb, { init = [[ why = shown(pcall(require("pix.openresty").share_tokens,
      "absent")) ]], locations = { why = "ngx.say(why)" } })
    assert.truthy(ng:request("/why").body:find('no lua_shared_dict "absent"', 1, true))
  end)
end)
