"""Where the user's own modules would be, which is found out once for all children."""

import os
import pwd
import site
import sys


def of(uid):
    """Has the calling process, the zygote, remember what a process of a user finds that has no
    HOME: it asks who it is, and the system's list of users, which takes a third of a millisecond."""
    if "HOME" in os.environ:
        return _find()
    try:
        os.environ["HOME"] = pwd.getpwuid(uid).pw_dir
    except KeyError:
        os.environ["HOME"] = "~"  # as it stays for a user whom nobody knows
    _find()
    del os.environ["HOME"]


def _find():
    """site remembers; in Python 3.6 it asks sysconfig, which does, too."""
    site.USER_BASE = site.USER_SITE = None
    remembered = getattr(sys.modules.get("sysconfig"), "_CONFIG_VARS", None)
    if remembered and "userbase" in remembered:
        remembered["userbase"] = sys.modules["sysconfig"]._getuserbase()
    site.getusersitepackages()
