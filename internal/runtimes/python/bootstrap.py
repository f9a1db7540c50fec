# The program that Lambent starts: kept short, because the main script is compiled
# at every start and a package is not.
from lambent_runtime import loop

loop.main()
