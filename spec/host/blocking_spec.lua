local core = require "pix.core"
local pix = require "pix"

describe("a wait outside every task", function()
  local t

  before_each(function() t = pix.testing.start() end)
  after_each(function() t:stop() end)

  it("blocks until the future is ready", function()
    assert.is_true(pix.await(core.timer(3)))
    assert.equal(3, t:now())
  end)

  it("ends at its timeout, while the future goes on", function()
    local timer = core.timer(10)
    local value, err = pix.await(timer, 2)
    assert.is_nil(value)
    assert.equal("timeout", err.kind)
    assert.equal("no", err.sent)
    assert.is_true(pix.await(timer))
    assert.equal(10, t:now())
  end)

  it("runs the tasks that there are", function()
    local task = pix.spawn(function()
      pix.sleep(1)
      return "done"
    end)
    assert.equal("done", task:await())
  end)

  it("works in a coroutine of the program's own", function()
    local ssg = assert(pix.ssg { client_id = "i", client_secret = "s", device_code = "d" })
    local charge = coroutine.wrap(function() return ssg:charge { amount = 100 } end)()
    assert.equal("pending", charge.status)
  end)

  it("complains instead of waiting for what nobody can bring", function()
    assert.error_matches(function() pix.await(core.promise()) end, "nothing can move")
  end)
end)

describe("the real reactor", function()
  it("is waited for by the clock on the wall", function()
    local before = core.reactor():now()
    assert.is_true(pix.sleep(0.02))
    assert.is_true(core.reactor():now() - before >= 0.019)
  end)

  it("complains about a promise that nobody is left to fulfil", function()
    assert.error_matches(function() pix.await(core.promise()) end, "nothing can move")
  end)

  it("notices a promise that was fulfilled just before the wait", function()
    local promise = core.promise()
    promise:fulfil("value")
    assert.equal("value", pix.await(promise))
  end)

  it("runs tasks to their end", function()
    assert.equal("ab", pix.run(function()
      local text = ""
      local task = pix.spawn(function()
        pix.sleep(0.01)
        text = text .. "b"
      end)
      text = text .. "a"
      task:await()
      return text
    end))
  end)
end)
