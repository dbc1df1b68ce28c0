require "spec.host.contract" "luv"
