"""Tries what the event names, and answers what came of it."""

import concurrent.futures
import json
import os
import socket
import struct
import urllib.request

LIMIT = 2  # seconds for what may be dropped without an answer


def handler(event, context):
    try:
        return {"Got": str(TRIES[event["what"]](*event["with"])), "Error": ""}
    except OSError as e:
        return {"Got": "", "Error": f"{type(e).__name__}: {e}"}


def tcp(address):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host.strip("[]"), int(port)), LIMIT) as s:
        s.settimeout(20)
        s.sendall(b"hello\n")
        s.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: s.recv(4096), b"")).decode()


def tcp_each(*addresses):
    """Tries all at once, and says which can be reached."""

    def reached(address):
        try:
            return tcp(address) is not None
        except OSError:
            return False

    with concurrent.futures.ThreadPoolExecutor(len(addresses)) as pool:
        return f"reached: {[a for a, ok in zip(addresses, pool.map(reached, addresses)) if ok]}"


def resolve(name):
    return socket.getaddrinfo(name, 80, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]


def ask(server, name):
    """Asks a name server of the function's own choice."""
    query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0)
    query += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0" + struct.pack(">2H", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(LIMIT)
        s.connect((server, 53))
        s.send(query)
        return socket.inet_ntoa(s.recv(1500)[-4:])


def address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("198.51.100.7", 9))
        return s.getsockname()[0]


def callhome():
    url = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + "/2015-03-31/functions/" + os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    with urllib.request.urlopen(url, timeout=20) as answer:
        return json.dumps(json.load(answer)["Configuration"])


def packet_socket():
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))


def raw_socket():
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def netlink(kind, flags, body):
    """Sends one request of rtnetlink(7) and raises what the kernel answers."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.settimeout(LIMIT)
        s.bind((0, 0))
        s.send(struct.pack("=IHHII", 16 + len(body), kind, 5 | flags, 1, 0) + body)
        answer = s.recv(4096)
        error = struct.unpack_from("=i", answer, 16)[0]
        if error:
            raise OSError(-error, os.strerror(-error))
        return "changed"


def index():
    return socket.if_nametoindex("eth0")


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value


def add_address():
    a = socket.inet_aton("10.0.0.77")
    return netlink(20, 0x400, struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, index()) + attribute(2, a) + attribute(1, a))


def add_route():
    body = struct.pack("=BBBBBBBBI", socket.AF_INET, 32, 0, 0, 254, 3, 253, 1, 0)
    return netlink(24, 0x400, body + attribute(1, socket.inet_aton("10.0.0.5")) + attribute(4, struct.pack("=I", index())))


def set_address():
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sH2s4s8s", b"eth0", socket.AF_INET, b"\0\0", socket.inet_aton("10.0.0.77"), b"")
        return fcntl.ioctl(s, 0x8916, request)  # SIOCSIFADDR


def send_from(source, to, text):
    host, port = to.rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        if source != "0.0.0.0":
            s.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND needs no right
        s.bind((source, 0))
        s.sendto(text.encode(), (host, int(port)))
        return "sent"


TRIES = {
    "tcp": tcp,
    "tcp each": tcp_each,
    "resolve": resolve,
    "ask": ask,
    "address": address,
    "callhome": callhome,
    "packet socket": packet_socket,
    "raw socket": raw_socket,
    "add address": add_address,
    "add route": add_route,
    "set address": set_address,
    "send from": send_from,
}
