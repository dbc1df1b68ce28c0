--- Lets the epoch's clock go ahead in this process, so that leases and minutes are over at once.
-- What measures time spans (time-outs, pauses) is not touched.
local core = require "pix.core"

local M = {}

local index = debug.getmetatable(core.reactor()).__index
local wall = index.wall

--- The epoch's time is `seconds` later than it is; 0 ends that.
function M.ahead(seconds)
  index.wall = seconds ~= 0 and function(reactor) return wall(reactor) + seconds end or wall
end

return M
