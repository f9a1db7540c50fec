# The second package of scenarios that update a function's code.
def handler(event, context):
    return "second"
