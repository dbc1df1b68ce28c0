--- Real HTTP for specs, through the curl program (Debian's package `curl`), on either VM.
local M = {}

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Starts curl with a list of arguments, and returns at once a function that waits for it.
-- That one returns what curl wrote and its exit code (7 refused, 18 partial, 28 time-out,
-- 52 empty reply, 56 reset).
function M.start(arguments)
  local words = { "curl -sS --noproxy '*'" }
  for i, argument in ipairs(arguments) do
    words[i + 1] = quote(argument)
  end
  local pipe = assert(io.popen(table.concat(words, " ") .. " 2>/dev/null; printf ' exit=%d' $?"))
  return function()
    local output, code = pipe:read("*a"):match("^(.*) exit=(%d+)$")
    pipe:close()
    return output, tonumber(code)
  end
end

--- Runs curl with a list of arguments.
-- @treturn string what it wrote
-- @treturn number its exit code
function M.run(arguments)
  return M.start(arguments)()
end

local function parse(output)
  local head, body = output:match("^(HTTP/.-\r\n)\r\n(.*)$")
  local headers = {}
  for name, value in (head or ""):gmatch("([^\r\n:]+): ([^\r\n]*)") do
    headers[name:lower()] = value
  end
  local version, status = output:match("^HTTP/(%S+) (%d+)")
  return { version = version, status = tonumber(status),
    headers = headers, body = body }
end

--- The arguments of one request {url, method, headers (list of lines), body, ca_file, timeout,
-- options (list)}; a body is JSON unless a header says otherwise.
function M.arguments(request)
  local list = { "-i", "-X", request.method or "POST", request.url,
    "--max-time", tostring(request.timeout or 60) }
  local function add(...)
    for _, argument in ipairs({ ... }) do
      list[#list + 1] = argument
    end
  end
  for _, line in ipairs(request.headers or {}) do
    add("-H", line)
  end
  if request.body then
    add("-H", "Content-Type: application/json", "--data-binary", request.body)
  end
  if request.ca_file then
    add("--cacert", request.ca_file)
  end
  add((table.unpack or unpack)(request.options or {}))
  return list
end

--- One request, and what came of it: {status, headers, body, version, exit}.
function M.request(request)
  local output, code = M.run(M.arguments(request))
  local reply = parse(output)
  reply.exit = code
  return reply
end

return M
