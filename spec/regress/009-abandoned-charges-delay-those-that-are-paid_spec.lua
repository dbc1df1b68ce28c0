--- Charges that nobody pays are watched for a day after their expiry. They had the same share of a
-- provider's looks as those whose payer stands there: after a busy hour a payment was noticed
-- minutes late. And where one list serves all, it went back a day nearly every time.
local shops = require "spec.support.shop"
local pix = require "pix"

local ABANDONED = 200

describe("after two hundred charges that nobody paid", function()
  local s

  before_each(function() s = shops.new() end)

  after_each(function() s:stop() end)

  -- What is asked of the provider in ten minutes in which one charge waits.
  local function requests_beside(name, operation)
    local shop = s:open { name, expires_in = 60 }
    local charge, from
    pix.run(function()
      local watcher = pix.spawn(function() shop:watch { ["for"] = 8400 } end)
      for i = 1, ABANDONED do
        assert(shop:charge(shops.order("left-" .. i)))
        pix.sleep(3)
      end
      pix.sleep(7200)
      charge = assert(shop:charge(shops.order("here", { expires_in = 3600 })))
      from = #s.t:requests(name, operation)
      watcher:await()
    end)
    local list = {}
    for i, request in ipairs(s.t:requests(name, operation)) do
      if i > from then list[#list + 1] = request end
    end
    return list, charge
  end

  for _, name in ipairs { "ssg", "payzu" } do
    it("a new one is looked at as often as ever at " .. name, function()
      local looks = 0
      local requests, charge = requests_beside(name, "status")
      for _, request in ipairs(requests) do
        if (request.path .. request.body):find(charge.id, 1, true) then looks = looks + 1 end
      end
      assert.truthy(looks > 30, looks)
      assert.truthy(#requests - looks > 50, "the others are not looked at any more")
      assert.truthy(#requests <= 400, #requests)
    end)
  end

  it("a list goes back as far as the new one, and now and then as far as the others", function()
    local all, long = requests_beside("detseg", "search"), 0
    for _, request in ipairs(all) do
      local hour = tonumber(request.json.start_date:match "T(%d+):")
      local last = tonumber(request.json.end_date:match "T(%d+):")
      if (last - hour) % 24 >= 1 then long = long + 1 end
    end
    assert.truthy(long >= 1 and long <= 4, long)
  end)
end)
