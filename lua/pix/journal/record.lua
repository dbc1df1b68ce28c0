--- What a record is: its words, its numbers, and what may be kept. Pure.
local cjson = require("cjson").new()

local M = {}

-- How far an operation is. A state only ever grows (G8); from `answered` on it is final.
M.STATE = { intent = 1, sent = 2, unknown = 3, answered = 4, failed = 5 }

-- How far a charge is: the tens are its rank, and a charge never changes within a rank or below.
M.STATUS = {
  unknown = 0, pending = 10, expired = 20, cancelled = 21, rejected = 22, paid = 30, refunded = 40,
}

local function turned(map)
  local out = {}
  for word, number in pairs(map) do out[number] = word end
  return out
end

local STATE_WORD, STATUS_WORD = turned(M.STATE), turned(M.STATUS)

--- The lowest number of a status's rank.
function M.rank(status)
  local number = M.STATUS[status]
  return number - number % 10
end

--- Seconds to whole milliseconds, and back.
function M.ms(seconds)
  if not seconds then return nil end
  return math.floor(seconds * 1000 + 0.5)
end

local function seconds(ms)
  return ms and ms / 1000
end

-- ---- What may be kept (G10) ----

local LONGEST = 200
local KEPT = {
  raw_status = "string", error_kind = "string", error_code = "string", http_status = "number",
  attempt = "number", previous = "string", note = "string", by = "string", sent = "string",
}

-- A card's number, a CPF, a phone: whatever has eleven digits in one run, however it is spaced.
local function redact(text)
  return (text:gsub("%d[%d%.%-/ ]*%d", function(run)
    local _, digits = run:gsub("%d", "")
    return digits >= 11 and "[redacted]" or nil
  end))
end

-- Never in the middle of a character.
local function cut(text)
  if #text <= LONGEST then return text end
  return (text:sub(1, LONGEST):gsub("[\192-\255][\128-\191]*$", ""))
end

--- The JSON of a table's members that are on the list; nil if there is none.
-- @tparam[opt] table facts
-- @treturn string|nil
function M.encode(facts)
  local kept
  for name, kind in pairs(KEPT) do
    local value = facts and facts[name]
    if type(value) == kind then
      kept = kept or {}
      kept[name] = kind == "string" and redact(cut(value)) or value
    end
  end
  return kept and cjson.encode(kept)
end

--- Whatever JSON a run of a flow keeps: its own data, which it made itself.
M.encode_any = cjson.encode
M.decode_any = cjson.decode

-- ---- Rows ----

M.COLUMNS = "id, reference, kind, provider, amount, state, status, orphan, charge_id, code, "
  .. "code_kind, expires, data, due, worker, lease, fence, created, updated, owed"

--- An operation as programs see it, of a row as the database has it.
-- @tparam[opt] table row is changed
-- @treturn table|nil
function M.operation(row)
  if not row then return nil end
  row.state = STATE_WORD[row.state]
  row.status = STATUS_WORD[row.status]
  row.orphan, row.owed = row.orphan == 1, row.owed == 1
  row.data = row.data and cjson.decode(row.data) or {}
  for _, name in ipairs { "expires", "due", "lease", "created", "updated" } do
    row[name] = seconds(row[name])
  end
  return row
end

--- The same for a run.
function M.run(row)
  if not row then return nil end
  row.ended = row.ended == 1
  row.data = row.data and cjson.decode(row.data) or nil
  for _, name in ipairs { "due", "lease", "created", "updated" } do
    row[name] = seconds(row[name])
  end
  return row
end

M.seconds = seconds

return M
