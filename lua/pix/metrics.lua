--- Counters of what was asked of providers, in the text format of Prometheus. Labels are provider,
-- operation and outcome, and nothing that grows with the number of orders.
local M = {}

local BUCKETS = { 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30 } -- seconds

local FAMILIES = {
  { "pix_requests_total", "counter", "Requests to providers, by how they ended." },
  { "pix_request_seconds", "histogram", "How long requests took." },
  { "pix_retries_total", "counter", "Requests that were sent again." },
  { "pix_orders_total", "counter", "Orders, by how they ended." },
  { "pix_failovers_total", "counter", "Orders that went on to another provider." },
  { "pix_events_total", "counter", "Events told to the program; outcome is the event's name." },
  { "pix_breaker_open", "gauge", "1 while a breaker is not closed." },
  { "pix_waiting_charges", "gauge", "Charges that this process watches." },
}

local series = {} -- family -> { label text -> { labels, value, buckets, sum } }

local function escape(value)
  return (tostring(value):gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }))
end

local function labels(provider, operation, outcome)
  local parts = {}
  if provider then parts[#parts + 1] = ('provider="%s"'):format(escape(provider)) end
  if operation then parts[#parts + 1] = ('operation="%s"'):format(escape(operation)) end
  if outcome then parts[#parts + 1] = ('outcome="%s"'):format(escape(outcome)) end
  return table.concat(parts, ",")
end

local function cell(family, text)
  local cells = series[family]
  if not cells then
    cells = {}
    series[family] = cells
  end
  if not cells[text] then cells[text] = { value = 0 } end
  return cells[text]
end

--- Adds one to a counter.
function M.count(family, provider, operation, outcome)
  local found = cell(family, labels(provider, operation, outcome))
  found.value = found.value + 1
end

--- Sets a gauge.
function M.set(family, value, provider, operation)
  cell(family, labels(provider, operation)).value = value
end

--- Adds an observation to a histogram.
function M.observe(family, seconds, provider, operation)
  local found = cell(family, labels(provider, operation))
  found.buckets = found.buckets or {}
  found.value, found.sum = found.value + 1, (found.sum or 0) + seconds
  for i, limit in ipairs(BUCKETS) do
    if seconds <= limit then
      found.buckets[i] = (found.buckets[i] or 0) + 1
      return
    end
  end
end

local function sorted(cells)
  local names = {}
  for name in pairs(cells) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

local function number(value)
  return ("%.14g"):format(value)
end

local function line(lines, family, text, value)
  lines[#lines + 1] = ("%s%s %s"):format(family, text ~= "" and "{" .. text .. "}" or "",
    number(value))
end

local function histogram(lines, family, text, found)
  local comma, sum = text ~= "" and "," or "", 0
  for i, limit in ipairs(BUCKETS) do
    sum = sum + (found.buckets[i] or 0)
    line(lines, family .. "_bucket", ('%s%sle="%s"'):format(text, comma, number(limit)), sum)
  end
  line(lines, family .. "_bucket", text .. comma .. 'le="+Inf"', found.value)
  line(lines, family .. "_sum", text, found.sum)
  line(lines, family .. "_count", text, found.value)
end

--- All of them as text, to be served as `text/plain; version=0.0.4`.
-- @treturn string
function M.text()
  local lines = {}
  for _, row in ipairs(FAMILIES) do
    local family, kind, help = row[1], row[2], row[3]
    if series[family] then
      lines[#lines + 1] = ("# HELP %s %s"):format(family, help)
      lines[#lines + 1] = ("# TYPE %s %s"):format(family, kind)
      for _, text in ipairs(sorted(series[family])) do
        local found = series[family][text]
        if found.buckets then histogram(lines, family, text, found)
        else line(lines, family, text, found.value) end
      end
    end
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or ""
end

--- Forgets everything; for specs.
function M.reset()
  series = {}
end

return M
