--- A burst of answers held up everybody else of its nginx worker: all requests that it woke went on
-- in one turn of nginx's loop, however many there were, because ngx.sleep(0) does not end a turn.
local nginx = require "spec.support.nginx"

local WAITERS = 32

local function start()
  return nginx.start {
    http = [[
      init_by_lua_block {
        pix = require "pix"
        latch = require("pix.latch").new()
        order, waiting = "", 0
      }
    ]],
    server = [[
      location = /wait { content_by_lua_block {
        local other = ngx.socket.tcp()
        assert(other:connect("127.0.0.1", ngx.var.server_port))
        waiting = waiting + 1
        latch:wait(60)
        if order == "" then
          assert(other:send("GET /note HTTP/1.0\r\nHost: localhost\r\n\r\n"))
        end
        order = order .. "w"
        ngx.say("ok")
      } }
      location = /note { content_by_lua_block { order = order .. "n" ngx.say("ok") } }
      location = /waiting { content_by_lua_block { ngx.print(waiting) } }
      location = /open { content_by_lua_block { latch:open() ngx.say("ok") } }
      location = /order { content_by_lua_block { ngx.print(order) } }
    ]],
  }
end

describe("a burst of answers in nginx", function()
  local ng

  before_each(function() ng = start() end)
  after_each(function() ng:stop() end)

  it("lets a request that comes in meanwhile through before all have gone on", function()
    local paths = {}
    for i = 1, WAITERS do paths[i] = "/wait" end
    local replies = ng:all(paths, function()
      nginx.eventually("all wait", function()
        return ng:request("/waiting").body == tostring(WAITERS)
      end)
      assert.are.equal("ok\n", ng:request("/open").body)
    end)
    for _, reply in ipairs(replies) do assert.are.equal("ok\n", reply.body) end
    local order = nginx.eventually("the note is there", function()
      local text = ng:request("/order").body
      return text:find("n") and text
    end)
    assert.are.equal(WAITERS + 1, #order)
    assert.is_true(order:find("n") <= WAITERS / 2, order)
    assert.is_nil(ng:errors():find("[warn]", 1, true), ng:errors())
  end)
end)
