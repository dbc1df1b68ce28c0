-- The command line on the paths of the spec that runs it: bin/pix would choose its own build.
os.exit(require("pix.cli").main(arg), true)
