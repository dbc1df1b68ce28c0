--- A process of the crash specs: stands between a child and the sandbox, and kills the child at two
-- points that only the wire knows. It hands requests on, one per connection, until the file
-- `armed` appears in its folder, with a point and the child's process id:
--   after_connect  the next connection is accepted, and nothing of it is read or handed on
--   after_bytes    its request is handed on whole, the answer awaited and kept back
-- Arguments: the folder, the sandbox's port. Prints its own port. Ends with its folder.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local folder, target = arg[1], tonumber(arg[2])
local armed = folder .. "/armed"
local loop = cqueues.new()
local listening = socket.listen { host = "127.0.0.1", port = 0 }

-- One message: its head, with `connection: close`, and its body.
local function read_message(from)
  local lines, length = {}, 0
  for line in from:lines "*l" do
    line = line:gsub("\r$", "")
    if line == "" then break end
    length = tonumber(line:lower():match("^content%-length:%s*(%d+)")) or length
    if not line:lower():find("^connection:") then lines[#lines + 1] = line end
  end
  if #lines == 0 then return nil end
  local body = length > 0 and from:read(length) or ""
  return table.concat(lines, "\r\n") .. "\r\nconnection: close\r\n\r\n" .. body
end

local function take_arms()
  local file = io.open(armed)
  if not file then return nil end
  local point, pid = file:read("*a"):match("(%S+) (%d+)")
  file:close()
  os.remove(armed)
  return point, pid
end

local function prepare(s)
  s:setmode("bf", "bf")
  s:onerror(function(_, _, code) return code end)
  return s
end

local function serve(client)
  local point, pid = take_arms()
  prepare(client)
  if point == "after_connect" then
    os.execute("kill -9 " .. pid)
    return client:close()
  end
  local request = read_message(client)
  local back = prepare(socket.connect { host = "127.0.0.1", port = target })
  local answer
  if request then
    back:write(request)
    back:flush()
    answer = read_message(back)
  end
  if point == "after_bytes" then
    os.execute("kill -9 " .. pid)
  elseif answer then
    client:write(answer)
    client:flush()
  end
  back:close()
  client:close()
end

loop:wrap(function()
  for client in listening:clients() do
    loop:wrap(serve, client)
  end
end)
loop:wrap(function()
  repeat
    cqueues.sleep(1)
    local file = io.open(folder .. "/pid")
    if file then file:close() end
  until not file
  os.exit(0)
end)
print((select(3, listening:localname())))
io.stdout:flush()
assert(loop:loop())
