--- What OpenResty alone offers: memory that all workers share. Waiting needs nothing of this; it is
-- in pix.host.openresty, and webhooks are in pix.webhook.handler. docs/openresty.md
local core = require "pix.core"
local ngx = require "ngx"

local M = {}

local function shared(name)
  return type(name) == "string" and ngx.shared[name]
    or error(("pix.openresty: there is no lua_shared_dict %q in nginx.conf"):format(
      tostring(name)), 3)
end

-- "expires token", so that the two are written in one step.
local function read(text)
  local expires, token = (text or ""):match("^(%S+) (.*)$")
  if token then return token, tonumber(expires) end
end

--- Lets all workers use one token per provider and credentials: one of them asks for it, the others
-- wait for that answer. The tokens then lie readable in shared memory, as long as nginx runs and
-- for whatever Lua code runs in it: that is why nobody does it for you.
-- @tparam string name of a lua_shared_dict used for nothing else (100k holds hundreds of tokens)
function M.share_tokens(name)
  local dict = shared(name)
  core.token_store {
    get = function(key) return read(dict:get("token:" .. key)) end,
    claim = function(key, seconds)
      local mine, err = dict:add("claim:" .. key, true, seconds)
      return mine or err ~= "exists"
    end,
    set = function(key, token, expires)
      local left = expires - ngx.time()
      if left > 0 then dict:set("token:" .. key, ("%.3f %s"):format(expires, token), left) end
      dict:delete("claim:" .. key)
    end,
    release = function(key) dict:delete("claim:" .. key) end,
  }
end

--- Every worker asks for its own tokens again.
function M.keep_tokens()
  core.token_store(nil)
end

return M
