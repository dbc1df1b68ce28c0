local core = require "pix.core"

describe("reactor:drain(list, most)", function()
  local reactor

  before_each(function()
    reactor = core.virtual()
    core.use(reactor)
  end)

  after_each(function() core.use(nil) end)

  it("takes so many at most, says whether there are more, and loses none", function()
    local timers = {}
    for i = 1, 5 do timers[i] = core.timer(i) end
    reactor:advance(10)
    local list, seen = {}, {}
    for i = 1, 3 do
      local count, more = reactor:drain(list, 2)
      seen[i] = count .. tostring(more)
    end
    assert.are.same({ "2true", "2true", "1false" }, seen)
    assert.are.same(timers, list)
    assert.are.equal(0, (reactor:drain(list, 2)))
  end)

  it("takes all when no number is given, what was left before included", function()
    for _ = 1, 5 do core.timer(1) end
    reactor:advance(1)
    reactor:drain(nil, 1)
    local count, more = reactor:drain({})
    assert.are.equal("4false", count .. tostring(more))
  end)
end)
