// Runs a handler once: the event from standard input, the answer to standard output.
"use strict";
const { handler } = require(`${process.argv[2]}/${process.argv[3]}`);
const event = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
handler(event).then((answer) => console.log(JSON.stringify(answer)));
