"""Breadth-first search and PageRank over a graph made of a seed."""

import time

BORN = time.time_ns() // 1000

DEGREE = 8


def handler(event, context):
    edges = graph(event["nodes"])
    reached, depth = search(edges)
    rank = pagerank(edges, 10)
    return {"born": BORN, "result": {"reached": reached, "depth": depth, "top": rank.index(max(rank))}}


def graph(nodes):
    x, edges = 1, []
    for _ in range(nodes):
        out = []
        for _ in range(DEGREE):
            x = (x * 1103515245 + 12345) & 0x7FFFFFFF
            out.append((x >> 8) % nodes)
        edges.append(out)
    return edges


def search(edges):
    seen, level, depth = {0}, [0], 0
    while level:
        below = []
        for node in level:
            for other in edges[node]:
                if other not in seen:
                    seen.add(other)
                    below.append(other)
        level = below
        depth += bool(level)
    return len(seen), depth


def pagerank(edges, rounds):
    nodes = len(edges)
    rank = [1 / nodes] * nodes
    for _ in range(rounds):
        new = [0.15 / nodes] * nodes
        for node, out in enumerate(edges):
            share = 0.85 * rank[node] / DEGREE
            for other in out:
                new[other] += share
        rank = new
    return rank
