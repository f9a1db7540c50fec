# The program of a zygote. A child returns from serve with the stack unwound: what runs
# in it stands where the bootstrap's main would.
from lambent_zygote import loop

run = loop.serve()
run()
