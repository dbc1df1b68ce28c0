--- What the simulated providers know: charges, subscriptions and the tokens they issued.
-- A charge's `status` is one of pending, paid, expired, cancelled, refunded, rejected;
-- `raw_status`, when a program set it by hand, is the word that the provider says instead.
local M = {}
M.__index = M

-- From which states an event may come. A payment after expiry happens in Pix and is late.
local FROM = {
  paid = { pending = true, expired = true, cancelled = true, rejected = true },
  expired = { pending = true },
  cancelled = { pending = true },
  rejected = { pending = true },
  refunded = { paid = true },
}

--- @tparam function clock seconds since 1970
function M.new(clock)
  return setmetatable({ _clock = clock }, M):reset()
end

--- Forgets everything.
function M:reset()
  self._charges, self._order = {}, {}
  self._subscriptions = {}
  self._tokens = {}
  return self
end

--- Adds a charge {id, provider, amount, …}; it is pending.
function M:add(charge)
  local now = self._clock()
  charge.status = "pending"
  charge.refunded = 0
  charge.created_at, charge.updated_at = now, now
  self._charges[charge.id] = charge
  self._order[#self._order + 1] = charge
  return charge
end

--- The charge of that id (and provider, where given), or nil.
function M:find(id, provider)
  local charge = type(id) == "string" and self._charges[id] or nil
  if charge and (provider == nil or charge.provider == provider) then
    return charge
  end
  return nil
end

--- Moves a charge to another status.
-- @treturn table|nil the charge, or nil and what forbids it
function M:move(charge, status)
  if not (FROM[status] and FROM[status][charge.status]) then
    return nil, ("a charge that is %s cannot become %s"):format(charge.status, status)
  end
  charge.late = status == "paid" and charge.status ~= "pending" or charge.late
  charge.refunded = status == "refunded" and charge.amount or charge.refunded
  charge.status, charge.raw_status = status, nil
  charge.updated_at = self._clock()
  return charge
end

--- Makes a provider say any word for a charge.
function M:say(charge, word)
  charge.raw_status = word
  charge.updated_at = self._clock()
  return charge
end

--- All charges in the order of their making.
function M:charges()
  return self._order
end

function M:subscribe(subscription)
  subscription.created_at = self._clock()
  self._subscriptions[#self._subscriptions + 1] = subscription
end

function M:subscriptions()
  return self._subscriptions
end

--- Remembers a token for `lifetime` seconds.
function M:issue(token, provider, lifetime)
  self._tokens[token] = { provider = provider, expires = self._clock() + lifetime }
  return token
end

--- Is the token one of this provider, and not expired?
function M:accepts(token, provider)
  local known = token and self._tokens[token]
  return known ~= nil and known.provider == provider and self._clock() < known.expires
end

--- Ends a token, or all of a provider's.
function M:revoke(provider, token)
  for text, known in pairs(self._tokens) do
    if known.provider == provider and (token == nil or token == text) then
      known.expires = 0
    end
  end
end

return M
