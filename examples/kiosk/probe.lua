--- For the spec only. With PIX_KIOSK_TEST=FOLDER the kiosk appends what it does to FOLDER/log and
-- obeys the lines of FOLDER/commands: "key return", "touch 100 200", "hurry" (the five minutes are
-- over), "shot NAME" (a screenshot to FOLDER/NAME.png; the log gets the pixels a module of the
-- code), "quit". Else it does nothing.
local M = {}

local folder = os.getenv "PIX_KIOSK_TEST"
local log, commands, app

local PAUSE = 0.02 -- seconds a frame: without a screen nothing slows the frames down

local function say(...)
  log:write(table.concat({ ... }, " "), "\n")
  log:flush()
end

local function report()
  say("screen", app.screen)
  if app.screen == "waiting" then say("charge", app.sale.charge.id, app.sale.charge.code) end
end

local function save_shot(name)
  love.graphics.captureScreenshot(function(image)
    local file = assert(io.open(("%s/%s.png"):format(folder, name), "wb"))
    file:write(image:encode("png"):getString())
    file:close()
    say("shot", name, tostring(app.pixels))
  end)
end

local DO = {
  key = function(key) love.event.push("keypressed", key, key, false) end,
  touch = function(where)
    local x, y = where:match "(%d+) (%d+)"
    love.event.push("touchpressed", 1, tonumber(x), tonumber(y), 0, 0, 1)
  end,
  hurry = function() app.sale.run:hurry() end,
  shot = save_shot,
  quit = function() love.event.quit() end,
}

--- Begins to report.
function M.start(kiosk)
  if not folder then return end
  app = kiosk
  log = assert(io.open(folder .. "/log", "a"))
  commands = assert(io.open(folder .. "/commands", "r"))
  love.errorhandler = function(message)
    say("crash", debug.traceback(tostring(message), 2))
  end
  app.on_screen = report
  report()
end

--- Once a frame: obeys.
function M.update()
  if not folder then return end
  commands:seek("cur", 0) -- forget that the file ended here
  for line in commands:lines() do
    local name, rest = line:match "^(%S+)%s*(.*)$"
    DO[name](rest)
  end
  love.timer.sleep(PAUSE)
end

return M
