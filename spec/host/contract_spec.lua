-- The hosts that come with luapix and need no loop of another library.
local contract = require "spec.host.contract"

contract "scheduler"
contract "blocking"
contract "update"

-- What a program may give of its own.
contract "documented"
