--- The coffee machine: here a clock that can be told to fail. A real one would answer over a serial
-- line, in a task like this.
local pix = require "pix"

local M = { broken = os.getenv "PIX_KIOSK_MACHINE" == "broken", progress = 0 }

local SECONDS = tonumber(os.getenv "PIX_KIOSK_BREW_SECONDS") or 4
local STEPS = 40
local FAILS_AT = 16 -- a broken one stops in the middle

--- Makes a drink. May yield.
-- @treturn boolean|nil true, or nil and why not
function M.brew()
  M.progress = 0
  for step = 1, STEPS do
    if M.broken and step == FAILS_AT then return nil, "out of water" end
    pix.sleep(SECONDS / STEPS)
    M.progress = step / STEPS
  end
  return true
end

return M
