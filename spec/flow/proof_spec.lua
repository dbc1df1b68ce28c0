local random_flows = require "spec.flow.random_flows"
local rules = require "pix.flow.rules"
local simulator = require "spec.flow.simulator"
local verify = require "pix.flow.verify"

local FLOWS = 10000

local function describe_graph(graph)
  local lines = { graph.name .. ", start = " .. graph.start .. ", providers = "
    .. table.concat(graph.providers or {}, " ") }
  for _, node in ipairs(graph.nodes) do
    local edges = {}
    for i, edge in ipairs(node.edges) do edges[i] = edge.outcome .. "→" .. edge.to end
    local of = node.args.of
    lines[#lines + 1] = ("  %s = %s%s%s: %s"):format(node.name, node.verb,
      node.args.delivers and " (delivers)" or "",
      of and " of " .. (type(of) == "table" and table.concat(of, " ") or of) or "",
      table.concat(edges, ", "))
  end
  return table.concat(lines, "\n")
end

-- The only rule of money that a flow is refused for; without it the flow would have been accepted.
local function only_rule(findings)
  local only
  for _, finding in ipairs(findings) do
    if finding.money and only and only ~= finding.rule then return nil end
    if finding.money then only = finding.rule end
  end
  return only
end

-- Findings about money, each with a path that breaks a rule in truth.
local function check_refusal(graph, findings)
  local count = 0
  for _, finding in ipairs(findings) do
    if finding.money then
      count = count + 1
      local harm = simulator.replay(graph, finding.path)
      assert(harm, "no harm on the path of\n" .. rules.render(finding) .. "\n"
        .. describe_graph(graph))
    end
  end
  return count
end

describe("the verifier of flows, against simulation of every way", function()
  local accepted, refused, paths, kinds, alone = 0, 0, 0, {}, {}

  setup(function()
    for seed = 1, FLOWS do
      local graph = random_flows.graph(seed)
      local findings = verify.graph(graph)
      local about_money = check_refusal(graph, findings)
      for _, finding in ipairs(findings) do kinds[finding.rule] = true end
      if about_money == 0 then
        accepted = accepted + 1
        local harm = simulator.explore(graph)
        assert(not harm, ("accepted, and breaks: %s\n%s"):format(tostring(harm),
          describe_graph(graph)))
      else
        refused, paths = refused + 1, paths + about_money
        local only = only_rule(findings)
        if only and not alone[only] then alone[only] = simulator.explore(graph) ~= nil end
      end
    end
  end)

  it("never accepts a flow that breaks a rule of money", function()
    assert.equal(FLOWS, accepted + refused)
    assert.is_true(accepted >= FLOWS / 20, accepted .. " accepted")
  end)

  it("refuses with a path that really breaks one", function()
    assert.is_true(refused >= FLOWS / 4, refused .. " refused")
    assert.is_true(paths >= refused)
  end)

  it("has met every rule of money", function()
    for _, rule in ipairs(rules.names()) do
      if rules.is_money(rule) then assert.is_true(kinds[rule], rule .. " was never met") end
    end
  end)

  it("would notice any rule that is left out", function()
    for _, rule in ipairs(rules.names()) do
      if rules.is_money(rule) then assert.is_true(alone[rule], rule .. " is never needed") end
    end
  end)
end)
