--- HTTP/1.1 by hand, over any socket with LuaSocket's send and receive (nginx's cosockets, copas):
-- the least that will do on a connection that is kept alive. It knows no chunks, no proxy, no
-- repeated headers.
local M = {}

local function read_head(socket)
  local line, err = socket:receive("*l")
  if not line then return nil, err end
  local status, headers = tonumber(line:match("^HTTP/1%.%d (%d+)")), {}
  if not status then return nil, "not an HTTP reply" end
  while true do
    line, err = socket:receive("*l")
    if not line then return nil, err end
    if line == "" then return status, headers end
    local name, value = line:match("^([^:%s]+):%s*(.-)%s*$")
    if not name then return nil, "not a header line" end
    headers[name:lower()] = value
  end
end

local function read_reply(socket)
  local status, headers = read_head(socket)
  if not status then return nil, headers end
  local length = tonumber(headers["content-length"])
  if not length then return nil, "no length" end
  local body, err = socket:receive(length)
  if not body then return nil, err end
  return { status = status, headers = headers, body = body }
end

local function format_request(host, request, agent)
  local lines = {
    request.method .. " " .. request.path .. " HTTP/1.1",
    "Host: " .. host,
    "Authorization: Bearer " .. request.token,
    "Accept: application/json",
    "User-Agent: " .. agent,
  }
  if request.body then
    lines[#lines + 1] = "Content-Type: application/json"
    lines[#lines + 1] = "Content-Length: " .. #request.body
  end
  lines[#lines + 1] = "\r\n"
  return table.concat(lines, "\r\n") .. (request.body or "")
end

--- One request on an open connection: { status, headers, body }, or nil and why. May yield.
-- @tparam string host with its port
-- @tparam table request method, path, token, body
-- @tparam string agent what the program calls itself
function M.exchange(socket, host, request, agent)
  local ok, err = socket:send(format_request(host, request, agent))
  if not ok then return nil, err end
  return read_reply(socket)
end

return M
