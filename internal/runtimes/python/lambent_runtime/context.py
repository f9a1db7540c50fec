"""The context object that a handler gets as its second argument."""

import os
import sys
import time


class _Plain:
    """Has the attributes that __slots__ names, from a dictionary's keys."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        pairs = ("%s=%s" % (name, getattr(self, name)) for name in self.__slots__)
        return "%s([%s])" % (type(self).__name__, ",".join(pairs))


class CognitoIdentity(_Plain):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Plain):
    __slots__ = (
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Plain):
    __slots__ = ("custom", "env", "client")

    def __init__(self, values):
        _Plain.__init__(self, values)
        if isinstance(self.client, dict):
            self.client = Client(self.client)


def of_function():
    """What every context of this instance says of its function. Read once: looking variables
    up takes longer than the rest of a context."""
    return tuple(
        os.environ.get("AWS_LAMBDA_" + name)
        for name in (
            "LOG_GROUP_NAME",
            "LOG_STREAM_NAME",
            "FUNCTION_NAME",
            "FUNCTION_MEMORY_SIZE",
            "FUNCTION_VERSION",
        )
    )


class LambdaContext:
    """Source: AWS Lambda Developer Guide, "Using the Lambda context object to
    retrieve Python function information"."""

    def __init__(self, meta, function):
        self.aws_request_id = meta["id"]
        (
            self.log_group_name,
            self.log_stream_name,
            self.function_name,
            self.memory_limit_in_mb,
            self.function_version,
        ) = function
        self.invoked_function_arn = meta.get("arn")
        self.tenant_id = meta.get("tenantId")
        client = meta.get("clientContext")
        self.client_context = ClientContext(client) if isinstance(client, dict) else None
        self.identity = CognitoIdentity(_identity(meta.get("identity")))
        self._epoch_deadline_time_in_ms = meta.get("deadlineMs") or _deadline(meta)

    def get_remaining_time_in_millis(self):
        """Milliseconds until the invocation times out; never negative."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, msg):
        """Writes a message to the function's log, as it is."""
        sys.stdout.write(str(msg))

    def __repr__(self):
        names = (
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "function_name",
            "memory_limit_in_mb",
            "function_version",
            "invoked_function_arn",
            "client_context",
            "identity",
            "tenant_id",
        )
        pairs = ("%s=%s" % (name, getattr(self, name)) for name in names)
        return "LambdaContext([%s])" % ",".join(pairs)


def _deadline(meta):
    """Of a first event that came before its function was initialised: its time begins now."""
    return int(time.time() * 1000) + meta.get("timeoutMs", 0)


def _identity(value):
    if not isinstance(value, dict):
        return {}
    return {
        "cognito_identity_id": value.get("cognitoIdentityId"),
        "cognito_identity_pool_id": value.get("cognitoIdentityPoolId"),
    }
