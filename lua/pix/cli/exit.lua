--- Exit statuses of `pix`: what a script may rely on (docs/cli.md has the same table).
local M = {}

--- In the order of docs/cli.md; init.lua prints them below `pix --help`.
M.list = {
  { "OK", 0, "done; with --wait, and for status: paid" },
  { "INTERNAL", 1, "a defect of luapix; please report it" },
  { "USAGE", 2, "the command line is wrong; nothing was sent" },
  { "CONFIG", 3, "credentials or settings are missing or wrong; nothing was sent" },
  { "INVALID", 4, "data refused, or the provider cannot do it" },
  { "DECLINED", 5, "the provider declined: card, or the charge's state forbids it" },
  { "UNKNOWN", 6, "OUTCOME UNKNOWN: it may have been done; look before repeating" },
  { "NOT_PAID", 7, "the charge ended without payment: expired, cancelled, rejected, refunded" },
  { "NETWORK", 8, "the provider was not reached; nothing was done, it is safe to repeat" },
  { "AUTH", 9, "credentials, or this machine's IP address, refused" },
  { "NOT_FOUND", 10, "no charge of this id" },
  { "PENDING", 11, "not paid yet, and still payable" },
  { "UNAVAILABLE", 12, "the provider answered that it cannot now, or not in its own language" },
  { "DOCTOR", 13, "pix doctor found something wrong" },
  { "INTERRUPTED", 130, "Ctrl-C; what happened to the charge was printed" },
}

for _, row in ipairs(M.list) do
  M[row[1]] = row[2]
end

local OF_KIND = {
  config = M.CONFIG, journal = M.CONFIG,
  invalid = M.INVALID, unsupported = M.INVALID,
  declined = M.DECLINED, conflict = M.DECLINED,
  auth = M.AUTH, not_found = M.NOT_FOUND,
  network = M.NETWORK, timeout = M.NETWORK,
  rate_limited = M.UNAVAILABLE, unavailable = M.UNAVAILABLE, protocol = M.UNAVAILABLE,
  mismatch = M.UNAVAILABLE, cancelled = M.NETWORK, internal = M.INTERNAL,
}

-- These change nothing at the provider: an answer that got lost leaves no doubt behind.
local READS = { status = true, search = true, check = true, wait = true, token = true }

--- The status for an error of luapix.
-- @tparam table err
-- @tparam[opt] string operation where err.operation is absent
function M.of_error(err, operation)
  if err.sent == "maybe" and not READS[err.operation or operation or ""] then
    return M.UNKNOWN
  end
  return OF_KIND[err.kind] or M.INTERNAL
end

local OF_STATUS = {
  paid = M.OK, pending = M.PENDING, unknown = M.PENDING,
  expired = M.NOT_PAID, cancelled = M.NOT_PAID, rejected = M.NOT_PAID, refunded = M.NOT_PAID,
}

--- The status for a charge's state: 0 only when it is paid, so that `pix status ID && deliver` is
-- a safe thing to write.
function M.of_status(status)
  return OF_STATUS[status] or M.PENDING
end

return M
