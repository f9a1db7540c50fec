"""Many requests at once: a process for each, as AWS's runtime has.

The first process forks one for every stream that Lambent hands over, before anything
of the function is loaded, and does nothing else: each worker initialises the function
for itself, and no state of it is shared. A worker that ends is replaced, because
Lambent then hands over another stream.
"""

import os

import _signal

from . import stream


def receive():
    """Returns the stream of a worker, in the worker; the first process never returns.
    It raises Closed when Lambent wants no more."""
    channel = stream.Channel()
    _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)  # nobody waits for workers
    while True:
        descriptors = channel.receive()
        if _fork() == 0:
            _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
            channel.close()
            return stream.Stream(descriptors)
        stream.close(descriptors)


def _fork():
    """As os.fork; where the sandbox has no process left, the stream just ends."""
    try:
        return os.fork()
    except OSError:
        return -1
