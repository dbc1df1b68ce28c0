--- Check digits of CPF, CNPJ and card numbers, as the simulated providers test them.
local M = {}

local CNPJ_WEIGHTS = { 6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2 }

-- One check digit over the first `count` places, valued as ASCII - 48.
local function digit(text, count, weight)
  local sum = 0
  for i = 1, count do
    sum = sum + (text:byte(i) - 48) * weight(i)
  end
  local rest = sum % 11
  return rest < 2 and 0 or 11 - rest
end

local function both_digits(text, weight)
  local body = #text - 2
  local first = digit(text, body, function(i) return weight(i, body) end)
  local second = digit(text, body + 1, function(i) return weight(i, body + 1) end)
  return text:sub(-2) == first .. "" .. second
end

local function is_cpf(text)
  if not text:match("^%d+$") or text == text:sub(1, 1):rep(11) then
    return false
  end
  return both_digits(text, function(i, count) return count + 2 - i end)
end

local function is_cnpj(text)
  if not text:match("^[%dA-Z]+%d%d$") or text == ("0"):rep(14) then
    return false
  end
  return both_digits(text, function(i, count) return CNPJ_WEIGHTS[i + 13 - count] end)
end

--- Is it a CPF or a CNPJ, with or without its punctuation?
function M.valid(text)
  if type(text) ~= "string" then
    return false
  end
  local plain = text:gsub("[%./%- ]", ""):upper()
  if #plain == 11 then
    return is_cpf(plain)
  end
  return #plain == 14 and is_cnpj(plain)
end

--- Does a card number pass the Luhn test?
function M.luhn(number)
  if type(number) ~= "string" or not number:match("^%d+$") or #number < 12 or #number > 19 then
    return false
  end
  local sum = 0
  for i = 1, #number do
    local value = number:byte(-i) - 48
    if i % 2 == 0 then
      value = value * 2
      value = value > 9 and value - 9 or value
    end
    sum = sum + value
  end
  return sum % 10 == 0
end

--- Has a card's expiry, MM/YYYY or MM/YY, passed at the time `now` (seconds since 1970)?
-- nil when it is no date.
function M.expired(expiry, now)
  local month, year = tostring(expiry):match("^(%d%d)/(%d+)$")
  month, year = tonumber(month), tonumber(year)
  if not month or month < 1 or month > 12 then
    return nil
  end
  year = year < 100 and year + 2000 or year
  local today = os.date("!*t", now)
  return year * 12 + month < today.year * 12 + today.month
end

return M
