--- The journal that a command looks into: --journal, PIX_JOURNAL, or pix.db. None is made.
local DEFAULT = "pix.db"
local PATIENCE = 2 -- seconds for a database that is locked

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

--- @tparam table ctx
-- @tparam table args with `journal`
-- @treturn table|nil the journal, or nil and an error
return function(ctx, args)
  local where = args.journal or ctx.getenv("PIX_JOURNAL") or DEFAULT
  local path = where:gsub("^sqlite:", "")
  if not where:find("^postgres") and not exists(path) then
    return nil, { kind = "config", sent = "no", message = ("there is no journal %s"):format(path),
      hint = "name it: --journal FILE, or PIX_JOURNAL" }
  end
  return require("pix.journal").open(where, { patience = PATIENCE })
end
