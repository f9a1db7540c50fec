import getpass
import os
import pathlib
import platform
import stat
import subprocess


def look(path):
    p, name = pathlib.Path(path), path.replace("/", "_")
    s = p.stat()
    return {
        name + "_gid": s.st_gid,
        name + "_mode": stat.filemode(s.st_mode),
        name + "_owner": p.owner(),
        name + "_uid": s.st_uid,
    }


def handler(event, context):
    paths = {}
    for path in ("/opt", "/tmp", "/var/task"):
        paths.update(look(path))
    return {
        "event": event,
        "paths": paths,
        "platform_machine": platform.machine(),
        "platform_system": platform.system(),
        "pwd": os.getcwd(),
        "user_login_name": getpass.getuser(),
        "user_whoami": subprocess.check_output(["whoami"], text=True).strip(),
    }
