"use strict";
// Breadth-first search and PageRank over a graph made of a seed.
const born = Math.floor((performance.timeOrigin + performance.now()) * 1000);

const degree = 8;

function graph(nodes) {
  const edges = [];
  for (let n = 0, x = 1; n < nodes; n++) {
    const out = [];
    for (let d = 0; d < degree; d++) {
      x = (Math.imul(x, 1103515245) + 12345) & 0x7fffffff;
      out.push((x >> 8) % nodes);
    }
    edges.push(out);
  }
  return edges;
}

function search(edges) {
  const seen = new Set([0]);
  let level = [0];
  let depth = 0;
  while (level.length > 0) {
    const below = [];
    for (const node of level)
      for (const other of edges[node])
        if (!seen.has(other)) {
          seen.add(other);
          below.push(other);
        }
    level = below;
    if (level.length > 0) depth++;
  }
  return [seen.size, depth];
}

function pagerank(edges, rounds) {
  const nodes = edges.length;
  let rank = new Array(nodes).fill(1 / nodes);
  for (let r = 0; r < rounds; r++) {
    const next = new Array(nodes).fill(0.15 / nodes);
    for (let node = 0; node < nodes; node++) {
      const share = (0.85 * rank[node]) / degree;
      for (const other of edges[node]) next[other] += share;
    }
    rank = next;
  }
  return rank;
}

exports.handler = async (event) => {
  const edges = graph(event.nodes);
  const [reached, depth] = search(edges);
  const rank = pagerank(edges, 10);
  return { born, result: { reached, depth, top: rank.indexOf(Math.max(...rank)) } };
};
