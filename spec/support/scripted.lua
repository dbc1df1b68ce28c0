--- A virtual reactor for the binding specs: requests are answered by hand, one by one.
local core = require "pix.core"

local M = {}
M.__index = M

local TOKEN = '{"access_token":"tok-%d","token_type":"Bearer","expires_in":3600}'

M.SSG = { client_id = "id-1", client_secret = "s3cr3t-value", device_code = "dev-1" }
M.DETSEG = { client_id = "id-2", client_token = "t0ken-of-client" }
M.PAYZU = {
  api_key = "k3y-of-payzu", webhook_url = "https://shop.example/hook", webhook_secret = "hush" }
M.ALL = { ssg = M.SSG, detseg = M.DETSEG, payzu = M.PAYZU }

--- Makes a virtual reactor the current one.
function M.new()
  local self = setmetatable({ reactor = core.virtual(), tokens = 0 }, M)
  core.use(self.reactor)
  return self
end

function M:stop()
  core.use(nil)
  self.reactor:close()
end

--- The oldest request, which must be there.
function M:next(operation)
  local request = assert(self.reactor:outbox(), "no request was sent")
  if operation then
    assert(request.operation == operation,
      ("expected %s, got %s"):format(operation, request.operation))
  end
  return request
end

function M:answer(request, status, body, headers)
  self.reactor:answer(request.id, { status = status, body = body, headers = headers })
  local ready = {}
  self.reactor:drain(ready)
  return ready
end

function M:fail(request, kind, sent, message)
  self.reactor:fail(request.id, kind, sent, message)
  local ready = {}
  self.reactor:drain(ready)
  return ready
end

--- Answers the token request that must be next.
function M:give_token()
  self.tokens = self.tokens + 1
  local request = self:next("token")
  return self:answer(request, 200, TOKEN:format(self.tokens)), request
end

function M.header(request, name)
  for _, pair in ipairs(request.headers) do
    if pair[1]:lower() == name:lower() then return pair[2] end
  end
end

M.CHARGED = '{"id":"0192fee7-4c2a-73bb-a74a-856ec3c77842","qr_code_text":"eyJpZCI6MX0=",'
  .. '"status":"PENDING","value":"19.90"}'

return M
