import time

time.sleep(1)
raise RuntimeError("this module cannot be initialised")
