local load = require "pix.flow.load"
local pix = require "pix"
local program = require "spec.support.program"
local walk = require "pix.flow.walk"

local RETURNS = { { quote = 1500 }, { quote = 0 } }
local NAMES = { "coffee", "game_shop", "parking_exit", "subscription_trial" }

local function path_of(name)
  return "examples/flows/" .. name .. ".flow.lua"
end

-- Runs `pix flow …` with variables of the environment; the output and the exit status.
local function cli_with(env, ...)
  local words = { program.interpreter(), "spec/support/pix_cli.lua", "flow", ... }
  for i, word in ipairs(words) do words[i] = program.quote(word) end
  for name, value in pairs(env) do table.insert(words, 1, name .. "=" .. program.quote(value)) end
  local pipe = io.popen("LC_ALL=C " .. table.concat(words, " ")
    .. " 2>&1 </dev/null; echo \"exit $?\"")
  local out = pipe:read "*a"
  pipe:close()
  return (out:gsub("exit %d+\n$", "")), tonumber(out:match "exit (%d+)\n$")
end

local function cli(...)
  return cli_with({}, ...)
end

describe("the example flow", function()
  for _, name in ipairs(NAMES) do
    it(name .. " is proved, and each of its states and outcomes is walked without harm", function()
      local flow = assert(pix.flow.load(path_of(name)))
      local walked = walk.all(flow, path_of(name), { returns = RETURNS })
      assert.same({}, walked.missing)
      assert.same({}, walked.harms)
      assert.is_true(walked.all)
      assert.equal(walked.of_outcomes, walked.outcomes)
    end)

    it(name .. " is drawn in docs/flows", function()
      local drawing = program.read("docs/flows/" .. name .. ".svg")
      for _, node in ipairs(assert(load.load(path_of(name))).graph.nodes) do
        assert.truthy(drawing:find("<title>" .. node.name .. "</title>", 1, true), node.name)
      end
    end)
  end

  it("charges the parking by the time, and never two codes at once", function()
    local t = pix.testing.flow(path_of "parking_exit")
    finally(function() t:stop() end)
    local due = 0
    t:perform("quote", function() due = due + 500 return due end)
    t:script { pay = { "expired", "paid" }, still_there = "yes" }
    assert.equal("drive", (t:run { ticket = "T1" }))
    assert.equal(500, t.charges[1].amount)
    assert.equal("expired", t.charges[1].status)
    assert.equal(1000, t.charges[2].amount)
  end)
end)

describe("pix.flow.walk", function()
  it("says what is not reached, and what does harm", function()
    local flow = assert(pix.flow.load(path_of "parking_exit"))
    local walked = walk.all(flow, path_of "parking_exit", { returns = { { quote = 1500 } } })
    assert.truthy(table.concat(walked.missing, "\n"):find("is_free —yes→ free", 1, true))
    walked = walk.all(flow, path_of "parking_exit", { returns = { { quote = "many" } } })
    assert.is_true(#walked.missing > 0)
  end)

  it("walks no more paths than it may", function()
    local graph = assert(load.load(path_of "coffee")).graph
    local paths, all = walk.paths(graph, 2, 3)
    assert.equal(3, #paths)
    assert.is_false(all)
  end)
end)

describe("a drawing", function()
  local coffee = assert(pix.flow.load(path_of "coffee"))

  it("marks the happy path and the money in dot", function()
    local dot = coffee:draw "dot"
    assert.truthy(dot:find('"pay" -> "brew" [label=" paid ", penwidth=2.6', 1, true))
    assert.truthy(dot:find('"brew" -> "give_back" [label=" failed ", color="#8a8a8a"', 1, true))
    assert.truthy(dot:find('"thanks" [label="thanks", shape=doublecircle, fillcolor="#bfe5bf"', 1,
      true))
  end)

  it("is Mermaid as well", function()
    local text = coffee:draw "mermaid"
    assert.truthy(text:find('s1 ==>|"paid"| s2', 1, true))
    assert.truthy(text:find('s1 -.->|"⚡ cancel"| s6', 1, true))
  end)
end)

describe("pix flow", function()
  it("checks flows, and exits with 4 when one is refused", function()
    local out, status = cli("check", path_of "coffee", "spec/flow/broken/kept_money.flow.lua")
    assert.equal(4, status)
    assert.matches("coffee is proved, 8 states", out)
    assert.matches("kept_money.flow.lua:12: the flow ends at sorry.*path: .*fix: ", out)
    out, status = cli("check", "--json", path_of "coffee")
    assert.equal(0, status)
    assert.matches('"ok":true', out)
  end)

  it("draws", function()
    assert.matches("^digraph", (cli("graph", path_of "coffee")))
    assert.matches("^flowchart TD", (cli("graph", "--mermaid", path_of "coffee")))
  end)

  it("walks", function()
    local out, status = cli("test", path_of "game_shop")
    assert.equal(0, status)
    assert.matches("states 9 of 9, outcomes 11 of 11", out)
  end)

  it("plays with keys, keeps the run, and tells of it", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local journal = folder .. "/pix.db"
    local out, status = cli("run", path_of "coffee", "total=8.50", "order=17", "--keys", "eypo",
      "--journal", journal)
    assert.equal(0, status, out)
    assert.matches("pay —expired→ again.*again —yes→ pay.*brew —ok→ thanks", out)
    local id = out:match "%(run (%x+)%)"
    out, status = cli("trace", id, "--journal", journal)
    assert.equal(0, status, out)
    assert.matches("at pay the charge expired unpaid → again", out)
    assert.matches("ended at thanks", out)
    assert.equal(10, select(2, cli("trace", "nobody", "--journal", journal)))
    assert.matches("^%d%d%d%d%-%S+ %S+  " .. id .. "  ended at thanks %(coffee%)\n$",
      (cli("trace", "--journal", journal)))
  end)

  it("makes no journal where there is none to look at", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local out, status = cli("trace", "nobody", "--journal", folder .. "/none.db")
    assert.equal(3, status)
    assert.matches("there is no journal .*/none.db", out)
    assert.is_nil(io.open(folder .. "/none.db"))
  end)

  it("plays with what the host's functions return, and says why a state failed", function()
    local out = cli("run", path_of "parking_exit", "ticket=1", "--returns", "quote=0", "--keys",
      "oo")
    assert.matches("quote —ok→ is_free.*is_free —yes→ free.*free —ok→ bye", out)
    out = cli("run", path_of "parking_exit", "ticket=1", "--keys", "o")
    assert.matches("pay —failed→ call  %(.*amount", out)
    out = cli("run", path_of "coffee", "total=8.50", "order=17", "--keys", "pff")
    assert.matches("brew —failed→ give_back  %(a key said so%)", out)
  end)

  it("says that the paths need what the host's functions return", function()
    assert.matches("not reached: is_free —yes→ free.*%-%-returns NAME=VALUE",
      (cli("test", path_of "parking_exit")))
    assert.matches("states 10 of 10, outcomes 18 of 18", (cli("test", path_of "parking_exit",
      "--returns", "quote=0", "--returns", "quote=1500")))
  end)

  it("draws pictures with dot, and says what is wrong", function()
    local folder = program.folder()
    finally(function() program.remove(folder) end)
    local file = assert(io.open(folder .. "/dot", "w")) -- Graphviz may not be here
    file:write [[#!/bin/sh
[ "$1" = -Tsvg ] && cp "$4" "$3" 2>/dev/null || { echo "cannot write $3"; exit 1; }
]]
    file:close()
    os.execute("chmod +x " .. folder .. "/dot")
    local picture = folder .. "/a picture's.svg"
    local path = folder .. ":" .. os.getenv "PATH"
    local out, status = cli_with({ PATH = path }, "graph", path_of "coffee", "--svg", picture)
    assert.equal(0, status, out)
    assert.matches("^digraph", program.read(picture))
    out, status = cli_with({ PATH = path }, "graph", path_of "coffee",
      "--svg", folder .. "/none/c.svg")
    assert.equal(3, status)
    assert.matches("none/c.svg was not written: cannot write", out)
  end)

  it("plays on a terminal, key by key", function()
    local terminal = program.terminal({ program.interpreter(), "spec/support/pix_cli.lua", "flow",
      "run", path_of "coffee", "total=8.50", "order=17" }, { folder = program.root })
    terminal.expect "[p] pay"
    terminal.type "p"
    terminal.expect "[o] ok"
    terminal.type "o"
    terminal.expect "done at thanks"
    assert.equal(0, terminal.finish().status)
  end)
end)
