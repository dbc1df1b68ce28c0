--- What must not be shown of a request: cards, keys, secrets and tokens, wherever a client has put
-- them. By name: members of a body or a query, and headers. By value: what the account is known
-- by, and digits that are a card's number. All else stays as it was sent, to the letter. Pure.
local document = require("pix.sandbox.document")

local M = {}

local REDACTED = "[redacted]"
local SHORTEST = 8 -- a shorter secret would tear words apart

local MEMBERS = {}
for _, name in ipairs({ "client_secret", "client_token", "access_token", "refresh_token", "token",
  "api_key", "webhook_secret", "secret", "password", "card_number", "security_code", "cvv", "cvc",
  "expiration_date", "card_holder_name" }) do
  MEMBERS[name] = true
end
local HEADERS = { "authorization", "cookie", "token", "secret", "api%-?key", "password" }

-- ---- By value ----

local function without_value(text, value)
  local at = #value >= SHORTEST and text:find(value, 1, true)
  while at do
    text = text:sub(1, at - 1) .. REDACTED .. text:sub(at + #value)
    at = text:find(value, at + #REDACTED, true)
  end
  return text
end

local function number_or_nothing(digits)
  local plain = digits:gsub("%D", "")
  return #plain >= 13 and document.luhn(plain) and REDACTED or nil
end

-- A number stands alone, in one piece or in groups of four: ids with dashes are none.
local function without_numbers(text)
  text = text:gsub("%f[%w]%d%d%d%d%d%d%d%d%d%d%d%d%d+%f[%W]", number_or_nothing)
  return (text:gsub("%f[%w]%d%d%d%d[ %-]%d%d%d%d[ %-]%d%d%d%d[ %-]%d+%f[%W]", number_or_nothing))
end

--- A text without the values of `secrets` and without card numbers.
-- @tparam string text
-- @tparam[opt] {string,…} secrets
function M.text(text, secrets)
  for _, secret in ipairs(secrets or {}) do
    text = without_value(text, secret)
  end
  return without_numbers(text)
end

--- The values of a provider's credentials that are secret.
function M.secrets_of(credentials)
  local list = {}
  for name, value in pairs(credentials) do
    if MEMBERS[name] then
      list[#list + 1] = value
    end
  end
  return list
end

-- ---- By name ----

local function is_secret(name)
  return MEMBERS[name:lower()] == true
end

-- The closing quote of the JSON string that opens at `at`; the end of the text if there is none.
local function string_end(text, at)
  while true do
    at = text:find('["\\]', at + 1)
    if not at then
      return #text
    elseif text:sub(at, at) == '"' then
      return at
    end
    at = at + 1
  end
end

-- Where the value that begins at `at` ends. Arrays and objects are not looked into: all the rest.
local function value_end(text, at)
  local first = text:sub(at, at)
  if first == '"' then
    return string_end(text, at)
  elseif first == "[" or first == "{" then
    return #text
  end
  return (text:find("[%s,}%]]", at) or #text + 1) - 1
end

local function unescaped(name)
  return (name:gsub("\\u00(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function without_members(text)
  local parts, done, at = {}, 1, text:find('"', 1, true)
  while at do
    local close = string_end(text, at)
    local _, colon = text:find("^%s*:%s*", close + 1)
    if colon and is_secret(unescaped(text:sub(at + 1, close - 1))) then
      parts[#parts + 1] = text:sub(done, colon) .. '"' .. REDACTED .. '"'
      close = value_end(text, colon + 1)
      done = close + 1
    end
    at = text:find('"', close + 1, true)
  end
  parts[#parts + 1] = text:sub(done)
  return table.concat(parts)
end

local function without_arguments(text)
  return (text:gsub("([^&=]+)=([^&]*)", function(name)
    local plain = name:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    return is_secret(plain) and name .. "=" .. REDACTED or nil
  end))
end

local function is_secret_header(name)
  for _, words in ipairs(HEADERS) do
    if name:find(words) then
      return true
    end
  end
  return false
end

--- A request's headers, body, path and query as they may be shown.
-- @tparam table request headers, body, path, query
-- @tparam {string,…} secrets
-- @treturn table { headers, body, path, query }
function M.request(request, secrets)
  local shown = { headers = {} }
  for name, value in pairs(request.headers) do
    shown.headers[name] = is_secret_header(name) and REDACTED or M.text(value, secrets)
  end
  local is_json = request.body:find("^%s*[%[{]")
  local body = is_json and without_members(request.body) or without_arguments(request.body)
  shown.body = M.text(body, secrets)
  shown.path = M.text(request.path, secrets)
  shown.query = request.query and M.text(without_arguments(request.query), secrets)
  return shown
end

return M
