"use strict";
// A page of HTML from a template and rows of data.
const born = Math.floor((performance.timeOrigin + performance.now()) * 1000);

const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;" };
const escape = (text) => text.replace(/[&<>"']/g, (c) => entities[c]);

const row = (i) =>
  `<tr><td>${i}</td><td>${escape(`item <${(i * 7919) % 1000}>`)}</td><td>${i % 97}.${i % 10}0</td></tr>`;

exports.handler = async ({ rows }) => {
  let all = "";
  for (let i = 0; i < rows; i++) all += row(i);
  return { born, result: `<!doctype html><title>${escape("Q&A <list>")}</title><table>${all}</table>` };
};
