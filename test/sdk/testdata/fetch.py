"""Reads what a server on the internet says first."""

import socket


def handler(event, context):
    with socket.create_connection((event["host"], event["port"]), 10) as stream:
        return stream.makefile().read()
