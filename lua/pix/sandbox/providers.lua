--- The providers that the sandbox simulates: one file each in this folder.
return { "detseg", "payzu", "ssg" }
