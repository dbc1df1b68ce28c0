--- Where card data come from: the environment, a terminal, or lines on standard input. Never the
-- command line, which every user of the machine can read while the command runs.
local dotenv = require("pix.cli.dotenv")
local prompt = require("pix.cli.prompt")
local terminal = require("pix.cli.terminal")

local M = {}

local MEMBERS = { "number", "cvv", "expiry", "holder" }
local HIDDEN = { number = true, cvv = true }
local MAX_INPUT = 4096

local function missing(member)
  return nil, { kind = "invalid", sent = "no", message = "the card's " .. member .. " is missing",
    hint = "give PIX_CARD_" .. member:upper() .. ", or number=, cvv=, expiry= and holder= as lines "
      .. "on standard input, or type it when asked" }
end

local function from_environment(getenv)
  local card, any = {}, false
  for _, member in ipairs(MEMBERS) do
    local value = getenv("PIX_CARD_" .. member:upper())
    card[member] = value ~= "" and value or nil
    any = any or card[member] ~= nil
  end
  return any and card
end

local function from_terminal(ctx)
  local card = {}
  for _, member in ipairs(MEMBERS) do
    card[member] = prompt.ask(ctx.say("card_" .. member), HIDDEN[member])
    if not card[member] then
      return nil
    end
  end
  return card
end

local function from_lines()
  local values = dotenv.parse(io.stdin:read(MAX_INPUT) or "") or {}
  local card = {}
  for name, value in pairs(values) do
    card[name:lower()] = value
  end
  return card
end

--- Looks for arguments that carry a card; they are refused before anything else reads them.
-- @treturn boolean
function M.on_command_line(arguments)
  for _, argument in ipairs(arguments) do
    if argument:match("^%-%-card") or argument:match("^%-%-cvv") then
      return true
    end
  end
  return false
end

--- Makes the card.
-- @treturn card|nil, or nil and an error
function M.read(ctx)
  local given = from_environment(ctx.getenv)
    or (terminal.is_terminal(0) and from_terminal or from_lines)(ctx)
  if not given then
    return nil, { kind = "cancelled", sent = "no", message = "no card was given" }
  end
  local card = { validate = true }
  for _, member in ipairs(MEMBERS) do
    if not given[member] then
      return missing(member)
    end
    card[member] = given[member]
  end
  return require("pix").card(card)
end

return M
