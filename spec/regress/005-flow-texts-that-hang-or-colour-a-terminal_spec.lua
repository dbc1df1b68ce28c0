-- Found by fuzz/flow.c and by hand beside it. A match in a flow's text was one step to the sandbox,
-- whatever it took: 26 bytes could keep the loader busy for half a minute. And what the compiler
-- quotes of a text came out in the error with its control characters.
local load = require "pix.flow.load".load

local function refusal(text)
  local loaded, err = load(text)
  assert.is_nil(loaded)
  return err.message
end

local function matching(expression)
  return refusal("local text = " .. expression .. "\nreturn 5")
end

describe("the text of a flow", function()
  it("cannot hide long work in a pattern", function()
    local pattern = '(("a?"):rep(40) .. ("a"):rep(40))'
    for _, call in ipairs { "find", "match", "gsub" } do
      local text = ('string.%s(("a"):rep(40), %s, "")'):format(call, pattern)
      assert.truthy(matching(text):find("repeats too much", 1, true), call)
    end
    assert.truthy(matching('("a"):rep(9999):find "a*a*b"'):find("repeats too much", 1, true))
  end)

  it("may match as flows do", function()
    for _, expression in ipairs { '("order-17"):match "^(%a+)%-(%d+)$"', '(" x "):gsub("%s+", "")',
      '("a-b"):find("-", 1, true)', '("[x]"):match "%[([^%]]*)%]"', 'string.find(1990, 9)' } do
      assert.truthy(matching(expression):find("the file ends with", 1, true), expression)
    end
  end)

  it("is quoted without control characters", function()
    for _, text in ipairs { "f'unction\17\n", "\27[31m flow 'x'\n", "return flow '\1' {}\n" } do
      assert.is_nil(refusal(text):find "%c")
    end
  end)
end)
