"""Every waiter of boto3's Lambda client, against the server that the environment names."""

import sys

import boto3

client = boto3.client("lambda")
fast = {"Delay": 1, "MaxAttempts": 20}
name, runtime, package = sys.argv[1], sys.argv[2], open(sys.argv[3], "rb").read()


def wait(waiter, **what):
    client.get_waiter(waiter).wait(WaiterConfig=fast, FunctionName=name, **what)
    print(waiter)


client.create_function(
    FunctionName=name, Runtime=runtime, Handler="app.echo", Code={"ZipFile": package},
    Role="arn:aws:iam::000000000000:role/lambda",
)
wait("function_exists")
wait("function_active")
wait("function_active_v2")
client.update_function_configuration(FunctionName=name, Description="changed")
wait("function_updated")
client.update_function_code(FunctionName=name, ZipFile=package)
wait("function_updated_v2")
version = client.publish_version(FunctionName=name)["Version"]
wait("published_version_active", Qualifier=version)

waited = {"function_exists", "function_active", "function_active_v2", "function_updated", "function_updated_v2", "published_version_active"}
left = set(client.waiter_names) - waited
assert not left, f"boto3 has other waiters, too: {left}"
answer = client.invoke(FunctionName=f"{name}:{version}", Payload=b'{"n": 1}')
assert answer["ExecutedVersion"] == version and "FunctionError" not in answer, answer
client.delete_function(FunctionName=name)
