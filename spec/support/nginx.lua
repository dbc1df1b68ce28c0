--- A real nginx with lua-nginx-module on loopback, for specs and benchmarks: started in a folder of
-- its own, on a free port, stopped by its pid. It runs LuaJIT, whatever VM the spec runs on.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local M = {}

local LIMIT = 120 -- seconds until something that is waited for counts as never coming

local function run(command)
  local pipe = assert(io.popen("exec 2>&1; " .. command .. "; echo \" status=$?\""))
  local output, status = pipe:read("*a"):match("^(.*) status=(%d+)\n$")
  pipe:close()
  return output, tonumber(status)
end

local function read(name)
  local file = io.open(name)
  local text = file and file:read("*a") or ""
  if file then file:close() end
  return text
end

local function write(name, text)
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
end

--- Waits until check() is true, and returns what it returned; an error after two minutes.
function M.eventually(what, check)
  local deadline = cqueues.monotime() + LIMIT
  repeat
    local value = check()
    if value then return value end
    cqueues.sleep(0.01)
  until cqueues.monotime() > deadline
  error("it never came to pass: " .. what, 2)
end

-- Ports that the system gives to nobody who asks for any lie below those that it does give.
local LOWEST_PORT, BEHIND_LAST_PORT = 10000, 32768
local given_ports = {}

local function random_port()
  local urandom = assert(io.open("/dev/urandom", "rb"))
  local high, low = urandom:read(2):byte(1, 2)
  urandom:close()
  local behind = math.min(BEHIND_LAST_PORT,
    tonumber(read("/proc/sys/net/ipv4/ip_local_port_range"):match("%d+")) or BEHIND_LAST_PORT)
  if behind < LOWEST_PORT + 1000 then return 0 end -- a system of another kind: any port
  return LOWEST_PORT + (high * 256 + low) % (behind - LOWEST_PORT)
end

local function listen(port)
  local listener = socket.listen("127.0.0.1", port)
  if not listener or not listener:listen() then return nil end
  local _, _, bound = listener:localname()
  listener:close()
  return bound
end

--- A loopback port that nobody uses now, that no connection and no other server will be given by
-- the system, and that this function has not given before.
function M.free_port()
  for _ = 1, 100 do
    local port = listen(random_port())
    if port and not given_ports[port] then
      given_ports[port] = true
      return port
    end
  end
  error("there is no free port", 2)
end

-- ---- Configuration ----

local root = run("pwd"):match("^[^\n]+")

local function module_lines()
  local lines = {}
  for _, name in ipairs { "ndk_http_module", "ngx_http_lua_module" } do
    local found = run(("ls /usr/lib/nginx/modules/%s.so /usr/lib*/nginx/modules/%s.so 2>/dev/null")
      :format(name, name)):match("^%S+")
    if found then lines[#lines + 1] = "load_module " .. found .. ";" end
  end
  return table.concat(lines, "\n")
end

local TEMPLATE = [[
@MODULES@
@USER@
worker_processes @WORKERS@;
worker_rlimit_nofile 8192;
pid @PREFIX@/nginx.pid;
error_log @PREFIX@/error.log info;
env XDG_RUNTIME_DIR=@PREFIX@/run;
@MAIN@
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path @PREFIX@/body;
  proxy_temp_path @PREFIX@/proxy;
  fastcgi_temp_path @PREFIX@/fastcgi;
  uwsgi_temp_path @PREFIX@/uwsgi;
  scgi_temp_path @PREFIX@/scgi;
  lua_package_path "@ROOT@/lua/?.lua;@ROOT@/lua/?/init.lua;@PATH@;;";
  lua_package_cpath "@ROOT@/build/luajit/?.so;;";
  @HTTP@
  server {
    listen 127.0.0.1:@PORT@ backlog=4096;
    location = /ping { return 200 "pong\n"; }
    @SERVER@
  }
}
]]

-- Workers of a master that is root would become another user, who may not read this folder.
local function user_line()
  if run("id -un"):match("%S+") ~= "root" then return "" end
  return "user root " .. run("id -gn"):match("%S+") .. ";"
end

local function configuration(options, prefix, port)
  local words = {
    MODULES = module_lines(), WORKERS = options.workers or 1, PREFIX = prefix, ROOT = root,
    USER = user_line(),
    PORT = port, MAIN = options.main or "", HTTP = options.http or "",
    SERVER = options.server or "", PATH = options.path or "",
  }
  return (TEMPLATE:gsub("@(%u+)@", function(word) return tostring(words[word]) end))
end

-- ---- Life ----

local Nginx = {}
Nginx.__index = Nginx

-- `configure(self)` gives the configuration's text, once folder and port are known.
local function new(configure, environment)
  local prefix = run("mktemp -d /tmp/pixng-XXXXXX"):match("%S+")
  run(("mkdir -m 700 %s/run"):format(prefix))
  local port = M.free_port()
  local self = setmetatable({ prefix = prefix, port = port, url = "http://127.0.0.1:" .. port },
    Nginx)
  write(prefix .. "/nginx.conf", configure(self))
  local words = {}
  for name, value in pairs(environment or {}) do
    words[#words + 1] = ("%s='%s'"):format(name, value)
  end
  self._environment = table.concat(words, " ")
  return self
end

local function launch(self)
  return run(("env -u LD_PRELOAD -u XDG_RUNTIME_DIR %s PATH=$PATH:/usr/sbin:/sbin nginx -p %s "
    .. "-e %s/error.log -c %s/nginx.conf"):format(self._environment, self.prefix, self.prefix,
    self.prefix))
end

-- nginx runs the plain build for LuaJIT, also beside a spec that runs another variant.
local function build()
  if read(root .. "/build/luajit/pix/core.so") ~= "" then return end
  local output, status = run("env -u LD_PRELOAD -u MAKEFLAGS make -s LUA=luajit VARIANT= all")
  if status ~= 0 then error("the module for LuaJIT cannot be built: " .. output, 4) end
end

local function start(configure, environment)
  build()
  for attempt = 1, 5 do
    local self = new(configure, environment)
    local output, status = launch(self)
    if status == 0 then
      self.pid = M.eventually("nginx writes its pid", function()
        return tonumber(read(self.prefix .. "/nginx.pid"))
      end)
      return self
    end
    run("rm -rf " .. self.prefix)
    if attempt == 5 or not output:find("Address already in use", 1, true) then
      error("nginx does not start: " .. output, 3)
    end
  end
end

--- Starts nginx. Options: main, http, server (directives), workers, path (Lua's).
function M.start(options)
  return start(function(self) return configuration(options, self.prefix, self.port) end)
end

-- What a specification of one's own changes in an example's configuration: where it listens and
-- writes, which modules are loaded, and that it goes into the background.
local function adapt(self, name, port)
  local folder = root .. "/" .. name:match("^(.*)/")
  local text = read(name):gsub("load_module [^\n]*\n", "")
  text = module_lines() .. "\n" .. user_line() .. "\n" .. text
  text = text:gsub("daemon off;", ""):gsub("pid [^;]+;", "pid " .. self.prefix .. "/nginx.pid;", 1)
  text = text:gsub("error_log [^;]+;", "error_log " .. self.prefix .. "/error.log info;", 1)
  text = text:gsub("%${prefix}", function() return folder .. "/" end)
  return (text:gsub("127%.0%.0%.1:" .. port, "127.0.0.1:" .. self.port))
end

--- Starts nginx with an example's configuration file, on another port.
function M.start_file(name, port, environment)
  return start(function(self)
    environment.SHOP_URL = self.url
    return adapt(self, name, port)
  end, environment)
end

--- What nginx has written into its error log.
function Nginx:errors()
  return read(self.prefix .. "/error.log")
end

--- The pids of its workers, those that are shutting down included.
function Nginx:workers()
  local pids = {}
  for pid in run("ps -o pid= --ppid " .. self.pid):gmatch("%d+") do
    pids[#pids + 1] = tonumber(pid)
  end
  return pids
end

function Nginx:signal(name, pid)
  run(("kill -%s %d"):format(name, pid or self.pid))
end

function Nginx:alive(pid)
  return select(2, run("kill -0 " .. (pid or self.pid))) == 0
end

--- Files that the reactors made and have not removed.
function Nginx:leftovers()
  return (run("ls " .. self.prefix .. "/run"))
end

--- Ends it ("QUIT" gracefully, "TERM" at once) and waits until its processes are gone.
function Nginx:quit(signal)
  if not self.pid then return end
  self:signal(signal or "QUIT")
  M.eventually("nginx ends", function() return not self:alive() end)
  self.pid = nil
end

--- Ends it by force if need be and removes its folder.
function Nginx:stop()
  if self.pid then self:quit("TERM") end
  run("rm -rf " .. self.prefix)
end

-- ---- Requests ----

-- A reply as it comes; one that tells its length is over when that is there.
local function read_reply(connection)
  local lines = {}
  repeat
    local line = connection:read("*L")
    lines[#lines + 1] = line
  until not line or line == "\r\n"
  local head = table.concat(lines)
  local length = tonumber(head:lower():match("content%-length: (%d+)"))
  local body = length == 0 and "" or connection:read(length or "*a") or ""
  return { status = tonumber(head:match("^HTTP/%S+ (%d+)")) or 0, head = head, body = body }
end

-- One request on a connection of its own, inside a coroutine of cqueues.
local function exchange(self, request)
  local connection = assert(socket.connect("127.0.0.1", self.port))
  connection:setmode("bn", "bf")
  connection:settimeout(LIMIT)
  local body = request.body or ""
  local method = request.method or (request.body and "POST" or "GET")
  local lines = { ("%s %s HTTP/%s"):format(method, request.path, request.version or "1.0"),
    "Host: 127.0.0.1" }
  for _, line in ipairs(request.headers or {}) do lines[#lines + 1] = line end
  if request.body then lines[#lines + 1] = "Content-Length: " .. #body end
  connection:write(table.concat(lines, "\r\n"), "\r\n\r\n", request.raw or body)
  connection:flush()
  if request.leave then
    M.eventually("the moment to leave has come", request.leave)
    connection:close()
    return { status = 0, body = "" }
  end
  local reply = read_reply(connection)
  connection:close()
  return reply
end

--- All requests at once; the replies { status, body, head } in their order. A request is a path or
-- { path, body, method, headers (lines), version ("1.0"), raw (what follows the head), leave (a
-- function: once it is true, the client goes away) }. `meanwhile` runs beside them.
function Nginx:all(requests, meanwhile)
  local queue, replies = cqueues.new(), {}
  for i, request in ipairs(requests) do
    if type(request) == "string" then request = { path = request } end
    queue:wrap(function() replies[i] = exchange(self, request) end)
  end
  if meanwhile then queue:wrap(meanwhile) end
  assert(queue:loop())
  return replies
end

--- One request.
function Nginx:request(request)
  return self:all({ request })[1]
end

return M
