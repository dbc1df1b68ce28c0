-- Runs the host contract: love spec/support/host_game [stop]; LUA_PATH and LUA_CPATH lead to pix.
function love.load(args)
  local program = love.filesystem.getSource():gsub("/spec/support/host_game$", "")
    .. "/spec/host/contract_program.lua"
  assert(loadfile(program))("love", args[1])
end
