import resource

NAMES = ("AS", "CORE", "CPU", "DATA", "FSIZE", "MEMLOCK", "NOFILE", "NPROC", "RSS", "STACK")


def handler(event, context):
    return {"RLIMIT_" + name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in NAMES}
