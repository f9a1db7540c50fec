# Run by the catalogue in an interpreter that was found: prints its version and its
# folder, and compiles the bootstrap, so that no start has to. The compiled files are
# never compared with their sources: those have their content in the folder's name.
import os
import py_compile
import sys

import _socket  # the runtime cannot do without

for needed in ("json", "logging", "traceback"):  # which it loads when it needs them
    __import__(needed)  # Debian's python3-minimal lacks them

mode = getattr(py_compile, "PycInvalidationMode", None)
options = {"invalidation_mode": mode.UNCHECKED_HASH} if mode else {}
for folder in sys.argv[1:]:
    for name in os.listdir(folder):
        if name.endswith(".py"):
            py_compile.compile(os.path.join(folder, name), doraise=True, **options)
    for name in os.listdir(os.path.join(folder, "__pycache__")):
        os.chmod(os.path.join(folder, "__pycache__", name), 0o644)
    os.chmod(os.path.join(folder, "__pycache__"), 0o755)
assert sys.prefix == sys.base_prefix, "it is a virtual environment"
print("%d.%d.%d" % sys.version_info[:3])
print(sys.prefix)
