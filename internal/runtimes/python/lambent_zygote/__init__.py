"""A zygote: a small interpreter, one thread, that forks interpreters into boxes that
Lambent made. It never runs a function's code. Package zygote of Lambent's driver says
what the two say to each other.

Standard library only, syntax of Python 3.6.
"""
