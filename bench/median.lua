--- The middle of several rounds: what every benchmark here prints.

--- @tparam table list numbers, or tables of which `field` is taken; it is left as it is
-- @tparam[opt] string field
return function(list, field)
  local values = {}
  for i, one in ipairs(list) do values[i] = field and one[field] or one end
  table.sort(values)
  local middle = math.floor(#values / 2)
  if #values % 2 == 1 then return values[middle + 1] end
  return (values[middle] + values[middle + 1]) / 2
end
