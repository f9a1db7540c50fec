"""A page of HTML from a template and rows of data."""

import time

BORN = time.time_ns() // 1000

import html
import string

PAGE = string.Template("<!doctype html><title>$title</title><table>$rows</table>")
ROW = string.Template("<tr><td>$id</td><td>$name</td><td>$price</td></tr>")


def handler(event, context):
    rows = "".join(row(i) for i in range(event["rows"]))
    return {"born": BORN, "result": PAGE.substitute(title=html.escape("Q&A <list>"), rows=rows)}


def row(i):
    return ROW.substitute(id=i, name=html.escape(f"item <{i * 7919 % 1000}>"), price=f"{i % 97}.{i % 10}0")
