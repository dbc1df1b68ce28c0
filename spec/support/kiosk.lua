--- Runs examples/kiosk as a customer would see it, without a screen: commands and its log go
-- through files (examples/kiosk/probe.lua), and what it shows through screenshots.
local program = require "spec.support.program"

local M = {}

local Kiosk = {}
Kiosk.__index = Kiosk

local PATIENCE = 120 -- seconds until what is waited for counts as never coming

local function environment(self, sandbox, options)
  local account = sandbox.credentials.ssg
  local env = {
    PIX_KIOSK_TEST = self.folder, PIX_KIOSK_SIZE = options.size or "800x480",
    PIX_KIOSK_LANGUAGE = options.language, PIX_KIOSK_BREW_SECONDS = "0.2",
    PIX_KIOSK_MACHINE = options.machine,
    SSG_CLIENT_ID = account.client_id, SSG_CLIENT_SECRET = account.client_secret,
    SSG_DEVICE_CODE = account.device_code, SSG_BASE_URL = sandbox.url.ssg,
    SDL_VIDEODRIVER = options.window and "x11" or "offscreen", LIBGL_ALWAYS_SOFTWARE = "1",
    HOME = self.folder,
  }
  return env
end

local WITHOUT_A_WINDOW = "echo $$ >$PIX_KIOSK_TEST/pid; exec love \"$0\""

-- Xvfb takes a number that is free, and writes it down with the end of its line.
local IN_A_WINDOW = [[
cd "$PIX_KIOSK_TEST"
: >display
Xvfb -displayfd 3 -screen 0 1280x2048x24 -nolisten tcp 3>display 2>/dev/null &
screen=$!
trap 'kill $screen' EXIT
until read -r number <display; do kill -0 $screen || exit 1; sleep 0.02; done
DISPLAY=:$number love "$0"]]

--- Starts it.
-- @tparam table sandbox
-- @tparam table options size = "800x480", language, machine; window = true for a window of a real X
--   server, which takes longer than pixels alone; folder = of one that was killed
function M.start(sandbox, options)
  local self = setmetatable({ folder = options.folder or program.folder(), seen = 0 }, Kiosk)
  for _, name in ipairs { "log", "commands" } do
    assert(io.open(self.folder .. "/" .. name, "w")):close()
  end
  local command = program.command({ "timeout", "600", "sh", "-c",
    options.window and IN_A_WINDOW or WITHOUT_A_WINDOW, program.root .. "/examples/kiosk" },
    { env = environment(self, sandbox, options) })
  self.process = assert(io.popen(("(%s) >%s/out 2>&1 </dev/null; echo $?"):format(command,
    self.folder)))
  self.commands = assert(io.open(self.folder .. "/commands", "a"))
  return self
end

function Kiosk:log()
  return program.read(self.folder .. "/log")
end

--- Gives a command of probe.lua.
function Kiosk:tell(...)
  self.commands:write(table.concat({ ... }, " "), "\n")
  self.commands:flush()
end

--- Waits until a line comes, after the last one that was waited for. Returns its captures.
function Kiosk:expect(pattern)
  local deadline = os.time() + PATIENCE
  repeat
    local log = self:log()
    local from, to, one, two = log:find(pattern, self.seen + 1)
    if from then
      self.seen = to
      return one or true, two
    end
    os.execute "sleep 0.02"
  until os.time() > deadline or log:find "crash"
  error(("the kiosk did not say %q, but:\n%s%s"):format(pattern, self:log(),
    program.read(self.folder .. "/out")), 2)
end

--- Takes a screenshot; returns its file's name, and the pixels a module of the code. What the
-- kiosk says before the picture is there can still be waited for.
function Kiosk:shot(name)
  local seen = self.seen
  self:tell("shot", name)
  local pixels = self:expect("shot " .. name .. " (%S+)\n")
  self.seen = seen
  return ("%s/%s.png"):format(self.folder, name), tonumber(pixels)
end

--- What a telephone's camera reads on a picture.
function M.read_code(picture)
  local pipe = assert(io.popen("zbarimg --raw -q -Sdisable -Sqrcode.enable "
    .. program.quote(picture) .. " 2>/dev/null"))
  local text = pipe:read "*a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

--- A power cut. Its folder, with the journal, stays.
function Kiosk:kill()
  os.execute("kill -9 " .. program.read(self.folder .. "/pid"))
  self.process:read "*a"
  self.process:close()
  self.commands:close()
  self.process = nil
  return self.folder
end

--- Ends it; returns its exit status.
function Kiosk:stop()
  if not self.process then return nil end
  self:tell "quit"
  local status = tonumber(self.process:read "*a")
  self.process:close()
  self.commands:close()
  self.process = nil
  program.remove(self.folder)
  return status
end

return M
