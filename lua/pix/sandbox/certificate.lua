--- A certificate authority of its own and a server certificate for loopback, made at each start.
-- Keys are EC P-256: they cost a millisecond. The authority's key is forgotten at once.
local altname = require("openssl.x509.altname")
local bignum = require("openssl.bignum")
local name = require("openssl.x509.name")
local pkey = require("openssl.pkey")
local rand = require("openssl.rand")
local x509 = require("openssl.x509")
local http_tls = require("http.tls")

local M = {}

local DAY = 86400

local function new_key()
  return pkey.new({ type = "EC", curve = "prime256v1" })
end

local function new_name(common_name)
  local subject = name.new()
  subject:add("CN", common_name)
  return subject
end

local function new_certificate(subject, issuer, key)
  local certificate = x509.new()
  certificate:setVersion(3)
  certificate:setSerial(bignum.fromBinary("\1" .. rand.bytes(15)))
  certificate:setSubject(subject)
  certificate:setIssuer(issuer)
  certificate:setLifetime(os.time() - DAY, os.time() + 30 * DAY)
  certificate:setPublicKey(key)
  return certificate
end

local function loopback_names()
  local names = altname.new()
  names:add("DNS", "localhost")
  names:add("IP", "127.0.0.1")
  names:add("IP", "::1")
  return names
end

local function prefer_h2(_, offered)
  for _, protocol in ipairs(offered) do
    if protocol == "h2" or protocol == "http/1.1" then
      return protocol
    end
  end
  return nil
end

--- Makes both.
-- @treturn table a server context for lua-http, with h2 and http/1.1
-- @treturn string the authority's certificate in PEM
function M.new()
  local authority_key, key = new_key(), new_key()
  local issuer = new_name("luapix sandbox authority")
  local authority = new_certificate(issuer, issuer, authority_key)
  authority:setBasicConstraints({ CA = true })
  authority:setBasicConstraintsCritical(true)
  authority:sign(authority_key)
  local certificate = new_certificate(new_name("localhost"), issuer, key)
  certificate:setBasicConstraints({ CA = false })
  certificate:setSubjectAlt(loopback_names())
  certificate:sign(authority_key)
  local context = http_tls.new_server_context()
  context:setPrivateKey(key)
  context:setCertificate(certificate)
  context:setAlpnSelect(prefer_h2)
  return context, authority:toPEM()
end

return M
