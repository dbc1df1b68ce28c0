-- Debian's copas is made for Lua 5.1 and 5.2; its file for 5.2 runs on 5.4 as well.
require "spec.host.contract" "copas"
