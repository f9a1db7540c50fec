"""What an instance keeps of those whose requests it has served."""
import time

seen = []


def handler(event, context):
    time.sleep(event.get("sleep", 0))
    seen.append(context.tenant_id)
    with open("/tmp/seen", "a") as file:
        file.write(context.tenant_id + "\n")
    with open("/tmp/seen") as file:
        files = file.read().splitlines()
    return {"tenant": context.tenant_id, "seen": seen, "files": files, "layout": layout()}


def layout():
    """Where the C library lies in memory: the same in all that one process has forked."""
    with open("/proc/self/maps") as maps:
        return next(line.split("-")[0] for line in maps if "libc" in line)
